/// A size in bytes, as it is written on a command line: `8kB`, `1GiB`, `1.5MB`, `4096`.
public struct ByteCount: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Never negative.
  public let bytes: Int

  public init(bytes: Int) {
    precondition(bytes >= 0, "a size is not negative")
    self.bytes = bytes
  }

  /// Reads a size. PostgreSQL's units and those of IEC 80000-13 mean the same here: `kB` and `KiB` are 1024 bytes.
  /// A number without a unit counts bytes.
  public init(parsing text: String) throws(QuantityError) {
    bytes = try Quantity.parse(text, noun: "a size", units: Self.units + Self.unitsIEC, bare: 1)
  }

  /// In PostgreSQL's units, exact: `128kB`, `1GB`.
  public var description: String { Quantity.display(bytes, units: Self.units) }

  public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }

  static let units = SettingDimension.memory.units
  static let unitsIEC = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
    .map { (name: $0.0, size: $0.1) }
}

/// A rate in bytes per second, as it is written on a command line: `100MB/s`, `1.5GiB/s`, `50MB`.
public struct ByteRate: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Never negative.
  public let bytesPerSecond: Int

  public init(bytesPerSecond: Int) {
    precondition(bytesPerSecond >= 0, "a rate is not negative")
    self.bytesPerSecond = bytesPerSecond
  }

  /// Reads a rate: a size as `ByteCount` reads it, with or without `/s` behind it.
  public init(parsing text: String) throws(QuantityError) {
    let size = text.hasSuffix("/s") ? String(text.dropLast(2)) : text
    do {
      bytesPerSecond = try ByteCount(parsing: size).bytes
    } catch {
      throw QuantityError("\"\(text)\" is not a rate: write a size per second, such as 100MB/s.")
    }
  }

  public var description: String { "\(ByteCount(bytes: bytesPerSecond))/s" }

  public static func < (left: Self, right: Self) -> Bool { left.bytesPerSecond < right.bytesPerSecond }
}
