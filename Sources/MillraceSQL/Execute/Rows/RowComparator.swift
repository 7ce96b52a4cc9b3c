import MillraceEngine
import MillraceTypes

/// Compares rows by sort keys.
final class RowComparator {
  struct Key {
    /// The column, in whatever the rows are.
    let column: Int
    let isDescending: Bool
    let isNullsFirst: Bool
    let compare: TypeDescriptor.Comparison
    let type: TypeID
  }

  let keys: [Key]

  /// - Parameter orders: for each key, in which column it stands.
  /// - Throws: ``SQLError`` where a type has no order.
  init(_ orders: [(column: Int, type: TypeID, order: SortOrder)]) throws(SQLError) {
    var keys: [Key] = []
    for (column, type, order) in orders {
      let descriptor = TypeDescriptor.builtIn[type] ?? TypeDescriptor.builtIn[order.type]
      guard let compare = descriptor?.compare else {
        throw SQLError(.undefinedFunction, "could not identify an ordering operator for type \(type.rawValue)")
      }
      keys.append(
        Key(
          column: column, isDescending: order.isDescending, isNullsFirst: order.isNullsFirst, compare: compare,
          type: type))
    }
    self.keys = keys
  }

  convenience init(_ keys: [SortKey]) throws(SQLError) {
    try self.init(keys.map { ($0.column.index, $0.column.type.id, $0.order) })
  }

  /// Negative, zero or positive. Equal NULLs are equal.
  @inline(__always) static func order(_ key: Key, _ left: Datum?, _ right: Datum?) -> Int {
    guard let left else { return right == nil ? 0 : key.isNullsFirst ? -1 : 1 }
    guard let right else { return key.isNullsFirst ? 1 : -1 }
    let order = key.compare(left, right)
    return key.isDescending ? 0 - order.signum() : order
  }

  /// Compares two rows of batches, by the keys from `first` on.
  func order(_ left: RowBatch, _ leftRow: Int, _ right: RowBatch, _ rightRow: Int, from first: Int = 0) -> Int {
    for key in keys[first...] {
      let order = Self.order(key, left.value(key.column, row: leftRow), right.value(key.column, row: rightRow))
      if order != 0 { return order }
    }
    return 0
  }

  /// Compares two stored rows, of which each key's column is that of its place.
  func order(_ format: RowFormat, _ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Int {
    for (place, key) in keys.enumerated() {
      let order = Self.order(key, format.value(left, place), format.value(right, place))
      if order != 0 { return order }
    }
    return 0
  }

  // MARK: Prefixes

  /// A number for the first key's value whose order is that of the rows: equal where it cannot tell.
  func prefix(_ value: Datum?) -> UInt64 {
    guard let key = keys.first else { return 0 }
    guard let value else { return key.isNullsFirst ? 0 : .max }
    let number = Self.number(value, key.type)
    // The ends are NULL's.
    let within = min(max(key.isDescending ? ~number : number, 1), .max - 1)
    return within
  }

  private static let sign: UInt64 = 1 << 63

  private static func number(_ value: Datum, _ type: TypeID) -> UInt64 {
    switch type {
    case .int2, .int4, .int8, .date, .time, .timestamp, .timestampTZ: return value.word ^ sign
    case .bool: return value.bool ? 3 : 2
    case .oid, .xid, .cid: return UInt64(value.oid) + 2
    case .float4: return number(Double(value.float4))
    case .float8: return number(value.float8)
    case .text, .varchar, .bytea, .uuid: return number(value.bytes)
    default: return 2
    }
  }

  private static func number(_ value: Double) -> UInt64 {
    if value.isNaN { return .max - 1 }
    let bits = value == 0 ? 0 : value.bitPattern
    return bits & sign == 0 ? bits | sign : ~bits
  }

  private static func number(_ bytes: ByteView) -> UInt64 {
    if bytes.count >= 8 { return UInt64(bigEndian: bytes.load(at: 0)) }
    var number: UInt64 = 0
    for index in 0..<bytes.count { number |= UInt64(bytes[index]) << UInt64(56 - 8 * index) }
    return number
  }
}
