import MillraceEngine
import MillraceTypes

/// A function or operator that may be meant, with the types of the arguments as this call gives them: those of a
/// variadic function repeated (FuncCandidateList of catalog/namespace.h).
struct Candidate {
  var oid: UInt32
  var arguments: [TypeID]
  /// Of how many arguments at the end an array is made; 0 for none.
  var variadicCount = 0
  /// How many arguments at the end are left to their defaults.
  var defaultCount = 0
  /// Where arguments go that were given by name.
  var places: [Int]?
}

/// Choosing among functions or operators of one name (func_match_argtypes, func_select_candidate of
/// src/backend/parser/parse_func.c).
extension Analyzer {
  /// Those whose arguments these could become without a cast.
  func matching(_ candidates: [Candidate], _ types: [TypeID]) throws(SQLError) -> [Candidate] {
    var found: [Candidate] = []
    for candidate in candidates where try canCoerce(types, to: candidate.arguments, .implicit) {
      found.append(candidate)
    }
    return found
  }

  /// The one that is meant; nil where no rule decides.
  func select(_ candidates: [Candidate], _ types: [TypeID]) throws(SQLError) -> Candidate? {
    if types.count > 100 { return nil }
    var best = candidates
    keepBest(&best) { candidate in
      types.indices.count { types[$0] != .unknown && candidate.arguments[$0] == types[$0] }
    }
    if best.count == 1 { return best[0] }

    var categories: [UInt8] = []
    for type in types { categories.append(try category(of: type)) }
    try keepBest(&best) { candidate throws(SQLError) in
      var count = 0
      for index in types.indices where types[index] != .unknown {
        let argument = candidate.arguments[index]
        if argument == types[index] {
          count += 1
        } else if try category(of: argument) == categories[index], try isPreferred(argument) {
          count += 1
        }
      }
      return count
    }
    if best.count == 1 { return best[0] }

    guard types.contains(.unknown) else { return nil }
    if try chooseByUnknowns(&best, types) { return best[0] }
    return try chooseByKnown(best, types)
  }

  private func keepBest<Failure: Error>(
    _ candidates: inout [Candidate], _ score: (Candidate) throws(Failure) -> Int
  ) throws(Failure) {
    var (kept, highest): ([Candidate], Int) = ([], 0)
    for candidate in candidates {
      let own = try score(candidate)
      if own > highest || kept.isEmpty {
        (kept, highest) = ([candidate], own)
      } else if own == highest {
        kept.append(candidate)
      }
    }
    candidates = kept
  }

  /// Literals of unknown type: strings are assumed where one of the functions takes one, else the only category that
  /// there is.
  private func chooseByUnknowns(_ candidates: inout [Candidate], _ types: [TypeID]) throws(SQLError) -> Bool {
    let string = UInt8(ascii: "S")
    var slots: [(category: UInt8, hasPreferred: Bool)?] = []
    var isResolved = true
    for index in types.indices {
      guard types[index] == .unknown else {
        slots.append(nil)
        continue
      }
      var chosen: UInt8?
      var (hasPreferred, isConflict) = (false, false)
      for candidate in candidates {
        let own = try category(of: candidate.arguments[index])
        let preferred = try isPreferred(candidate.arguments[index])
        if chosen == nil {
          (chosen, hasPreferred) = (own, preferred)
        } else if chosen == own {
          hasPreferred = hasPreferred || preferred
        } else if own == string {
          (chosen, hasPreferred, isConflict) = (own, preferred, isConflict)
        } else {
          isConflict = true
        }
      }
      if isConflict, chosen != string {
        isResolved = false
        break
      }
      slots.append((chosen ?? 0, hasPreferred))
    }
    guard isResolved, slots.count == types.count else { return false }
    var kept: [Candidate] = []
    for candidate in candidates {
      var isKept = true
      for (index, slot) in slots.enumerated() {
        guard let slot else { continue }
        let own = try category(of: candidate.arguments[index])
        let preferred = try isPreferred(candidate.arguments[index])
        if own != slot.category || (slot.hasPreferred && !preferred) { isKept = false }
      }
      if isKept { kept.append(candidate) }
    }
    if !kept.isEmpty { candidates = kept }
    return kept.count == 1
  }

  /// If all known arguments are of one type, the unknown ones are assumed to be of it, too.
  private func chooseByKnown(_ candidates: [Candidate], _ types: [TypeID]) throws(SQLError) -> Candidate? {
    let known = Set(types.filter { $0 != .unknown })
    guard known.count == 1, let type = known.first else { return nil }
    let assumed = types.map { _ in type }
    let fitting = try matching(candidates, assumed)
    return fitting.count == 1 ? fitting[0] : nil
  }
}
