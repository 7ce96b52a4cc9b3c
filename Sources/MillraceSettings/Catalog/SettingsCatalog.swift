/// Every setting there is.
///
/// Names, units, ranges, contexts and defaults are PostgreSQL 18's and, for the self-sizing worker pool, PostgreSQL
/// 19's. Where Millrace departs from them the definition says so.
public enum SettingsCatalog {
  /// All definitions, by topic.
  public static let all: [SettingDefinition] =
    inputOutput + memory + files + writeBack + checkpoints + writeAheadLog + recovery + replication + connections
    + errorHandling + statistics + planning + sessions + vacuum + presets

  /// The definition that a name or an alias stands for, in any case of letters; nil if there is none.
  public static func definition(named name: String) -> SettingDefinition? {
    position(of: name).map { all[$0] }
  }

  /// Where a name or an alias stands in `all`.
  static func position(of name: String) -> Int? {
    positions[name] ?? loweredPositions[name.asciiLowercased]
  }

  private static let positions: [String: Int] = {
    let names = all.enumerated().flatMap { position, definition in
      ([definition.name] + definition.aliases).map { ($0, position) }
    }
    return Dictionary(uniqueKeysWithValues: names)
  }()

  private static let loweredPositions: [String: Int] = Dictionary(
    uniqueKeysWithValues: positions.map { ($0.key.asciiLowercased, $0.value) })

  /// Names that settings had in versions of the design that were never released, and what says the same today.
  private static let formerNames = [
    "io_data_direct": "Use io_direct = 'data'.",
    "io_wal_direct": "Use io_direct = 'wal'.",
    "io_wal_init_direct": "Use io_direct = 'wal_init'.",
  ]

  static func unrecognized(_ name: String) -> SettingError {
    let lowered = name.asciiLowercased
    let hint = formerNames[lowered] ?? nearestName(to: lowered).map { "Perhaps you meant \"\($0)\"." }
    return .unrecognized(name, hint: hint)
  }

  /// The name with the fewest edits to `name`, if these are few enough to be slips: a third of its length.
  static func nearestName(to name: String) -> String? {
    let candidates = all.map { (name: $0.name, edits: editDistance($0.name, name)) }
    guard let best = candidates.min(by: { $0.edits < $1.edits }) else { return nil }
    return best.edits <= max(1, name.utf8.count / 3) ? best.name : nil
  }

  /// Levenshtein's distance, by the two-row method.
  private static func editDistance(_ left: String, _ right: String) -> Int {
    let right = Array(right.utf8)
    var previous = Array(0...right.count)
    for (row, leftByte) in left.utf8.enumerated() {
      var current = [row + 1]
      for (column, rightByte) in right.enumerated() {
        let replaced = previous[column] + (leftByte == rightByte ? 0 : 1)
        current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
      }
      previous = current
    }
    return previous[right.count]
  }
}
