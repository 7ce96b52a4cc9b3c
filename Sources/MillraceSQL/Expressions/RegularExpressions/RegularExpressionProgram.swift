import MillraceTypes

/// An automaton that says where a part of a regular expression can end (Thompson, 1968): states are walked through all
/// at once, so that the time is bounded by the product of text and expression.
///
/// A reference to a group takes anything here; who takes the match apart sees whether it was the right thing.
final class RegularExpressionProgram {
  private enum State {
    case take(CharacterSet, Int)
    case split(Int, Int)
    case constraint(RegularExpressionNode.Constraint, Int)
    case accept
  }

  private var states: [State] = []
  private let start: Int
  /// Whether it was cut off because it would have been too large.
  private(set) var isTooLarge = false
  private static let stateCountMax = 20_000

  // Which states are there, for this character and for the next.
  private var current: [Int] = []
  private var following: [Int] = []
  private var marks: [Int] = []
  private var mark = 0
  private var pending: [Int] = []
  /// The ASCII characters with which a match can begin; nil where it can be empty, or that is not known.
  private(set) var first: (low: UInt64, high: UInt64)?

  init(_ node: RegularExpressionNode) {
    start = 0
    states = []
    var builder = Builder()
    let accept = builder.add(.accept)
    let entry = builder.build(node, accept)
    states = builder.states
    isTooLarge = builder.isTooLarge
    entryState = entry
    marks = Array(repeating: 0, count: states.count)
    first = findFirst()
  }

  private var entryState = 0

  private struct Builder {
    var states: [State] = []
    var isTooLarge = false

    mutating func add(_ state: State) -> Int {
      if states.count >= stateCountMax { isTooLarge = true }
      states.append(state)
      return states.count - 1
    }

    /// The states of a node that go on to `next`.
    mutating func build(_ node: RegularExpressionNode, _ next: Int) -> Int {
      if isTooLarge { return next }
      do throws(TypeError) { try RegularExpressionWatch.checkStack() } catch {
        isTooLarge = true
        return next
      }
      switch node.kind {
      case .empty: return next
      case .set(let set): return add(.take(set, next))
      case .constraint(let constraint): return add(.constraint(constraint, next))
      case .sequence(let parts):
        var next = next
        for part in parts.reversed() { next = build(part, next) }
        return next
      case .choice(let parts):
        var entry = build(parts[parts.count - 1], next)
        for part in parts.dropLast().reversed() { entry = add(.split(build(part, next), entry)) }
        return entry
      case .group(_, let inner): return build(inner, next)
      case .repetition(let inner, let min, let max):
        var next = next
        if let max {
          let end = next
          for _ in 0..<max - min { next = add(.split(build(inner, next), end)) }
        } else {
          next = loop(next) { builder, again in builder.build(inner, again) }
        }
        for _ in 0..<min { next = build(inner, next) }
        return next
      case .backReference: return loop(next) { builder, again in builder.add(.take(.all, again)) }
      }
    }

    private mutating func loop(_ next: Int, _ body: (inout Builder, Int) -> Int) -> Int {
      let again = add(.accept)
      let inner = body(&self, again)
      states[again] = .split(inner, next)
      return again
    }
  }

  private func findFirst() -> (low: UInt64, high: UInt64)? {
    var found: (low: UInt64, high: UInt64) = (0, 0)
    var seen = Set([entryState])
    var open = [entryState]
    while let state = open.popLast() {
      switch states[state] {
      case .accept, .constraint: return nil
      case .split(let a, let b): for next in [a, b] where seen.insert(next).inserted { open.append(next) }
      case .take(let set, _):
        found.low |= set.ascii.low
        found.high |= set.ascii.high
      }
    }
    return found
  }

  // MARK: Running

  /// Adds a state and what is reached from it without a character.
  /// - Returns: whether the end is among them.
  private func enter(_ state: Int, _ text: RegularExpressionText, _ at: Int, _ set: inout [Int]) -> Bool {
    var accepts = false
    pending.append(state)
    while let state = pending.popLast() {
      if marks[state] == mark { continue }
      marks[state] = mark
      switch states[state] {
      case .accept: accepts = true
      case .take: set.append(state)
      case .split(let a, let b):
        pending.append(b)
        pending.append(a)
      case .constraint(let constraint, let next):
        if text.holds(constraint, at: at) { pending.append(next) }
      }
    }
    return accepts
  }

  /// Goes through all ends of matches that begin at a place, rising, until `body` says false.
  func forEachEnd(
    _ text: RegularExpressionText, from start: Int, to limit: Int, _ body: (Int) -> Bool
  ) {
    mark += 1
    current.removeAll(keepingCapacity: true)
    if enter(entryState, text, start, &current), !body(start) { return }
    var at = start
    while at < limit, !current.isEmpty, text.watch.goesOn(after: current.count) {
      let character = text.characters[at]
      at += 1
      mark += 1
      following.removeAll(keepingCapacity: true)
      var accepts = false
      for state in current {
        if case .take(let set, let next) = states[state], set.contains(character) {
          accepts = enter(next, text, at, &following) || accepts
        }
      }
      swap(&current, &following)
      if accepts, !body(at) { return }
    }
  }

  /// Whether there is a match anywhere from a place on.
  func isFound(in text: RegularExpressionText, from start: Int) -> Bool {
    current.removeAll(keepingCapacity: true)
    var at = start
    while text.watch.goesOn(after: current.count) {
      mark += 1
      following.removeAll(keepingCapacity: true)
      var accepts = false
      if at > start {
        let character = text.characters[at - 1]
        for state in current {
          if case .take(let set, let next) = states[state], set.contains(character) {
            accepts = enter(next, text, at, &following) || accepts
          }
        }
      }
      // A match may also begin here.
      if canBegin(text, at) { accepts = enter(entryState, text, at, &following) || accepts }
      if accepts { return true }
      if at == text.characters.count { return false }
      swap(&current, &following)
      at += 1
    }
    return false
  }

  /// Whether a match might begin at a place, by its first character.
  @inline(__always) func canBegin(_ text: RegularExpressionText, _ at: Int) -> Bool {
    guard let first else { return true }
    guard at < text.characters.count else { return false }
    let character = text.characters[at]
    if character < 64 { return first.low >> UInt64(character) & 1 != 0 }
    if character < 128 { return first.high >> UInt64(character - 64) & 1 != 0 }
    return true
  }
}

/// A text that is searched, character by character.
struct RegularExpressionText {
  let characters: [UInt32]
  let watch: RegularExpressionWatch

  init(_ characters: [UInt32], _ watch: RegularExpressionWatch) { (self.characters, self.watch) = (characters, watch) }

  private func isWord(_ at: Int) -> Bool {
    at >= 0 && at < characters.count && CharacterSet.word.contains(characters[at])
  }

  func holds(_ constraint: RegularExpressionNode.Constraint, at place: Int) -> Bool {
    switch constraint {
    case .textStart: return place == 0
    case .textEnd: return place == characters.count
    case .lineStart: return place == 0 || characters[place - 1] == 0x0A
    case .lineEnd: return place == characters.count || characters[place] == 0x0A
    case .wordStart: return isWord(place) && !isWord(place - 1)
    case .wordEnd: return !isWord(place) && isWord(place - 1)
    case .wordBoundary: return isWord(place) != isWord(place - 1)
    case .noWordBoundary: return isWord(place) == isWord(place - 1)
    case .lookAround(let node, let isAhead, let isNegated):
      guard watch.goesDeeper() else { return false }
      // An automaton of its own: the node's may be running.
      let program = RegularExpressionProgram(node)
      var isFound = false
      if isAhead {
        program.forEachEnd(self, from: place, to: characters.count) { _ in
          isFound = true
          return false
        }
      } else {
        var start = place
        while start >= 0, !isFound, watch.failure == nil {
          program.forEachEnd(self, from: start, to: place) { end in
            isFound = end == place
            return !isFound
          }
          start -= 1
        }
      }
      return isFound != isNegated
    }
  }
}
