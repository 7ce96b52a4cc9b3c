import MillraceTypes

/// A regular expression that can be searched for. Not for several threads at once.
///
/// The match is the leftmost; from there the longest, or the shortest where the expression prefers that. Its parts are
/// then given as much, or as little, as each prefers, those to the left first (Henry Spencer's rules, which POSIX's are
/// a part of).
final class RegularExpression {
  /// Where a match and its groups lie, by character; nil for a group that took no part.
  struct Match {
    var range: Range<Int>
    var groups: [Range<Int>?]
  }

  private let root: RegularExpressionNode
  let groupCount: Int
  private let hasBackReferences: Bool

  /// - Throws: ``TypeError`` 2201B.
  init(_ pattern: [UInt32], _ options: RegularExpressionOptions) throws(TypeError) {
    var parser = RegularExpressionParser(pattern, options)
    root = try parser.parse()
    (groupCount, hasBackReferences) = (parser.groupCount, parser.hasBackReferences)
    if root.program.isTooLarge { throw RegularExpressionParser.invalid("regular expression is too complex") }
  }

  /// Whether it occurs.
  /// - Throws: ``TypeError`` 54001, and what cancels the statement.
  func matches(_ text: RegularExpressionText) throws(TypeError) -> Bool {
    if hasBackReferences { return try firstMatch(in: text, from: 0) != nil }
    let isFound = root.program.isFound(in: text, from: 0)
    try text.watch.check()
    return isFound
  }

  /// The leftmost match that begins at a place or behind it.
  /// - Parameter needsGroups: else only the range is found out.
  /// - Throws: ``TypeError`` 54001, and what cancels the statement.
  func firstMatch(
    in text: RegularExpressionText, from first: Int, needsGroups: Bool = true
  ) throws(TypeError) -> Match? {
    let count = text.characters.count
    guard first <= count else { return nil }
    let found = search(text, from: first, needsGroups: needsGroups)
    try text.watch.check()
    return found
  }

  private func search(_ text: RegularExpressionText, from first: Int, needsGroups: Bool) -> Match? {
    // One pass tells that there is none, where trying each place might take long.
    if !root.program.isFound(in: text, from: first) { return nil }
    for start in first...text.characters.count where root.program.canBegin(text, start) {
      if let match = match(in: text, at: start, needsGroups: needsGroups) { return match }
      if !text.watch.goesOn(after: 1) { return nil }
    }
    return nil
  }

  private func match(in text: RegularExpressionText, at start: Int, needsGroups: Bool) -> Match? {
    var ends: [Int] = []
    let isShortest = root.preference == .shortest
    root.program.forEachEnd(text, from: start, to: text.characters.count) { end in
      if !hasBackReferences, !isShortest { ends.removeAll(keepingCapacity: true) }
      ends.append(end)
      return hasBackReferences || !isShortest
    }
    if !isShortest { ends.reverse() }
    for end in ends {
      guard needsGroups || hasBackReferences, groupCount > 0 else { return Match(range: start..<end, groups: []) }
      var dissection = RegularExpressionDissection(text, groupCount: groupCount)
      if dissection.match(root, start, end) { return Match(range: start..<end, groups: dissection.groups) }
    }
    return nil
  }
}

/// Takes a match apart, to find out what its groups have taken.
struct RegularExpressionDissection {
  private let text: RegularExpressionText
  private(set) var groups: [Range<Int>?]

  init(_ text: RegularExpressionText, groupCount: Int) {
    self.text = text
    groups = Array(repeating: nil, count: groupCount)
  }

  /// Where a node that begins at a place can end, in the order in which its ends are tried.
  private func ends(_ node: RegularExpressionNode, _ start: Int, _ limit: Int) -> [Int] {
    var ends: [Int] = []
    node.program.forEachEnd(text, from: start, to: limit) { end in
      ends.append(end)
      return true
    }
    return node.preference == .shortest ? ends : ends.reversed()
  }

  /// Whether a node takes exactly a part of the text; then its groups are noted.
  mutating func match(_ node: RegularExpressionNode, _ start: Int, _ end: Int) -> Bool {
    guard text.watch.goesDeeper() else { return false }
    guard node.hasGroups else {
      var isMatch = false
      node.program.forEachEnd(text, from: start, to: end) { found in
        isMatch = found == end
        return true
      }
      return isMatch
    }
    switch node.kind {
    case .empty, .set, .constraint: return false
    case .group(let number, let inner):
      guard match(inner, start, end) else { return false }
      groups[number - 1] = start..<end
      return true
    case .backReference(let number):
      guard let group = groups[number - 1], group.count == end - start else { return false }
      return text.characters[group] == text.characters[start..<end]
    case .sequence(let parts): return matchSequence(parts[...], start, end)
    case .choice(let choices):
      for choice in choices {
        let saved = groups
        if match(choice, start, end) { return true }
        groups = saved
      }
      return false
    case .repetition(let inner, let min, let max):
      return matchRepetition(inner, min, max ?? .max, start, end, isShortest: node.preference == .shortest)
    }
  }

  private mutating func matchSequence(
    _ parts: ArraySlice<RegularExpressionNode>, _ start: Int, _ end: Int
  ) -> Bool {
    guard let first = parts.first else { return start == end }
    if parts.count == 1 { return match(first, start, end) }
    for middle in ends(first, start, end) {
      let saved = groups
      if match(first, start, middle), matchSequence(parts.dropFirst(), middle, end) { return true }
      groups = saved
    }
    return false
  }

  private mutating func matchRepetition(
    _ inner: RegularExpressionNode, _ min: Int, _ max: Int, _ start: Int, _ end: Int, isShortest: Bool
  ) -> Bool {
    if start == end {
      // Nothing is left to be taken: once more only where it must be.
      return min == 0 || match(inner, start, end)
    }
    guard max > 0 else { return false }
    var middles = ends(inner, start, end)
    if isShortest != (inner.preference == .shortest) { middles.sort { isShortest ? $0 < $1 : $0 > $1 } }
    // An empty turn does not bring the end nearer.
    for middle in middles where middle > start {
      let saved = groups
      if match(inner, start, middle),
        matchRepetition(
          inner, Swift.max(min - 1, 0), max == .max ? max : max - 1, middle, end, isShortest: isShortest)
      {
        return true
      }
      groups = saved
    }
    return false
  }
}
