/// The unit in which an integer setting is kept, and in which a plain number without a unit is taken.
public enum SettingUnit: Sendable, CaseIterable {
  case none
  /// Pages of 8 kB.
  case blocks
  case bytes
  case kilobytes
  case megabytes
  case microseconds
  case milliseconds
  case seconds
}

/// What a unit measures, which decides which unit names may follow a number.
enum SettingDimension {
  case memory
  case time

  /// The names that PostgreSQL accepts, largest first, each with its size in the smallest (bytes or microseconds).
  var units: [(name: String, size: Int)] {
    switch self {
    case .memory: [("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10), ("B", 1)]
    case .time:
      [
        ("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1),
      ]
    }
  }

  var hint: String {
    switch self {
    case .memory: #"Valid units for this parameter are "B", "kB", "MB", "GB", and "TB"."#
    case .time: #"Valid units for this parameter are "us", "ms", "s", "min", "h", and "d"."#
    }
  }
}

extension SettingUnit {
  /// The block of PostgreSQL's files and of everything counted in blocks.
  public static var blockSize: Int { 8192 }

  /// As messages print it after a number; nil for plain numbers.
  public var name: String? {
    switch self {
    case .none: nil
    case .blocks: "8kB"
    case .bytes: "B"
    case .kilobytes: "kB"
    case .megabytes: "MB"
    case .microseconds: "us"
    case .milliseconds: "ms"
    case .seconds: "s"
    }
  }

  var dimension: SettingDimension? {
    switch self {
    case .none: nil
    case .blocks, .bytes, .kilobytes, .megabytes: .memory
    case .microseconds, .milliseconds, .seconds: .time
    }
  }

  /// Size of this unit in bytes, or in microseconds.
  var size: Int {
    switch self {
    case .none, .bytes, .microseconds: 1
    case .blocks: Self.blockSize
    case .kilobytes: 1 << 10
    case .megabytes: 1 << 20
    case .milliseconds: 1000
    case .seconds: 1_000_000
    }
  }

  /// Converts `value` of the unit called `unitName` to this base unit; nil if the name is not one of this dimension's.
  ///
  /// A fraction is first rounded to the next smaller named unit, so that `30.1GB` is a whole number of megabytes
  /// (the rule of PostgreSQL's `convert_to_base_unit`). The result may still be a fraction of the base unit.
  func convert(_ value: Double, unitName: String) -> Double? {
    guard let units = dimension?.units, let index = units.firstIndex(where: { $0.name == unitName }) else { return nil }
    let converted = value * (Double(units[index].size) / Double(size))
    guard index + 1 < units.count else { return converted }
    let smaller = Double(units[index + 1].size) / Double(size)
    return (converted / smaller).rounded(.toNearestOrEven) * smaller
  }

  /// The number in the largest unit that divides it without a rest. Zero and negative numbers, which mean "off" or
  /// "automatic", carry no unit.
  func display(_ value: Int) -> String {
    guard value > 0, let units = dimension?.units else { return String(value) }
    for unit in units {
      if unit.size <= size {
        return "\(value * (size / unit.size))\(unit.name)"
      }
      let multiplier = unit.size / size
      if value % multiplier == 0 {
        return "\(value / multiplier)\(unit.name)"
      }
    }
    return String(value)
  }

  /// The number in base units with its unit, as range messages print it: `0 ms`, `128 8kB`, `33`.
  func plain(_ value: Int) -> String {
    name.map { "\(value) \($0)" } ?? String(value)
  }
}
