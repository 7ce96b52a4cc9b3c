import MillraceEngine
import MillraceTypes

/// What a function's name and its arguments mean.
enum FunctionMeaning {
  case function(FunctionEntry, Candidate)
  /// `text(x)`: a cast that looks like a function.
  case coercion(TypeID)
  case ambiguous
  case unknown
}

/// Which function is called (func_get_detail of src/backend/parser/parse_func.c, FuncnameGetCandidates of
/// catalog/namespace.c).
extension Analyzer {
  /// - Parameters:
  ///   - names: of arguments at the end that were given by name.
  ///   - isVariadic: whether VARIADIC was written, so that the last argument is the array already.
  func function(
    _ name: [String], _ types: [TypeID], names: [String], isVariadic: Bool, location: Location
  ) throws(SQLError) -> FunctionMeaning {
    let candidates = try candidates(name, types.count, names, expandsVariadic: !isVariadic, location)
    if let exact = candidates.first(where: { $0.arguments == types }) { return try found(exact) }
    if types.count == 1, names.isEmpty, let target = try typeNamed(name),
      try isCoercionByName(types[0], to: target)
    {
      return .coercion(target)
    }
    guard !candidates.isEmpty else { return .unknown }
    let fitting = try matching(candidates, types)
    if fitting.isEmpty { return .unknown }
    guard let chosen = fitting.count == 1 ? fitting[0] : try select(fitting, types) else { return .ambiguous }
    return try found(chosen)
  }

  private func found(_ candidate: Candidate) throws(SQLError) -> FunctionMeaning {
    guard let entry = try functions().functions[candidate.oid] else { return .unknown }
    return .function(entry, candidate)
  }

  /// FuncNameAsType: a type of that name that a function may look like.
  private func typeNamed(_ name: [String]) throws(SQLError) -> TypeID? {
    guard name.count <= 2, let last = name.last else { return nil }
    let schema = name.count == 2 ? name[0] : nil
    return try SQLError.wrapping { () throws(EngineError) -> TypeID? in
      if let schema, try catalog.namespace(named: schema) == nil { return nil }
      return try catalog.type(named: last, schema: schema)
    }
  }

  private func isCoercionByName(_ source: TypeID, to target: TypeID) throws(SQLError) -> Bool {
    if source == .unknown { return true }
    switch try coercionPath(from: source, to: target, .explicit) {
    case .relabel: return true
    // A cast by a function has that function's name already.
    case .throughText:
      let isString = try category(of: target) == UInt8(ascii: "S")
      return source != .record || !isString
    default: return false
    }
  }

  // MARK: Candidates

  private func candidates(
    _ name: [String], _ count: Int, _ names: [String], expandsVariadic: Bool, _ location: Location
  ) throws(SQLError) -> [Candidate] {
    let functions = try functions()
    var namespace: UInt32?
    if name.count > 1 {
      let schema = name[name.count - 2]
      namespace = try SQLError.wrapping { () throws(EngineError) in try catalog.namespace(named: schema) }
      guard namespace != nil else {
        throw SQLError(.invalidSchemaName, "schema \"\(schema)\" does not exist", at: location)
      }
    }
    var found: [Candidate] = []
    for oid in functions.functionsByName[name.last ?? ""] ?? [] {
      guard let entry = functions.functions[oid], namespace == nil || entry.namespace == namespace,
        let candidate = candidate(entry, count, names, expandsVariadic: expandsVariadic)
      else { continue }
      // Of two with the same arguments the one without variadic ones, or with fewer defaults, is meant.
      if let other = found.firstIndex(where: { $0.arguments == candidate.arguments }) {
        if isBetter(candidate, than: found[other]) { found[other] = candidate }
      } else {
        found.append(candidate)
      }
    }
    return found
  }

  private func isBetter(_ candidate: Candidate, than other: Candidate) -> Bool {
    if candidate.variadicCount != other.variadicCount { return candidate.variadicCount == 0 }
    return candidate.defaultCount < other.defaultCount
  }

  private func candidate(
    _ entry: FunctionEntry, _ count: Int, _ names: [String], expandsVariadic: Bool
  ) -> Candidate? {
    let declared = entry.arguments.count
    if !names.isEmpty {
      guard entry.variadic == .none || !expandsVariadic, let places = places(entry, count, names) else { return nil }
      var candidate = Candidate(oid: entry.oid, arguments: places.map { entry.arguments[$0] })
      (candidate.places, candidate.defaultCount) = (places, declared - count)
      return candidate
    }
    if expandsVariadic, entry.variadic != .none, count >= declared {
      let repeated = count - declared + 1
      var candidate = Candidate(
        oid: entry.oid,
        arguments: entry.arguments.dropLast() + Array(repeating: entry.variadic, count: repeated))
      candidate.variadicCount = repeated
      return candidate
    }
    guard count <= declared, count + entry.defaultCount >= declared else { return nil }
    var candidate = Candidate(oid: entry.oid, arguments: Array(entry.arguments.prefix(count)))
    candidate.defaultCount = declared - count
    return candidate
  }

  /// MatchNamedCall: which of the function's arguments each given one is.
  private func places(_ entry: FunctionEntry, _ count: Int, _ names: [String]) -> [Int]? {
    let declared = entry.arguments.count
    guard count <= declared, !entry.outputNames.isEmpty else { return nil }
    var inputs: [String] = []
    for (index, name) in entry.outputNames.enumerated() {
      let mode = entry.modes.indices.contains(index) ? entry.modes[index] : UInt8(ascii: "i")
      if mode != UInt8(ascii: "o"), mode != UInt8(ascii: "t") { inputs.append(name) }
    }
    var places = Array(0..<(count - names.count))
    for name in names {
      guard let place = inputs.firstIndex(of: name), place < declared, !places.contains(place) else { return nil }
      places.append(place)
    }
    let missing = (0..<declared).filter { !places.contains($0) }
    guard missing.allSatisfy({ $0 >= declared - entry.defaultCount }) else { return nil }
    return places
  }

  // MARK: Words

  /// func_signature_string.
  func functionSignature(_ name: [String], _ types: [TypeID], names: [String]) -> String {
    let first = types.count - names.count
    let shown = types.enumerated().map { index, type in
      index < first ? typeName(type) : "\(names[index - first]) => \(typeName(type))"
    }
    return "\(name.joined(separator: "."))(\(shown.joined(separator: ", ")))"
  }
}
