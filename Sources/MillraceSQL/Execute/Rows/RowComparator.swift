import MillraceEngine
import MillraceTypes

/// Compares rows by sort keys.
final class RowComparator {
  struct Key {
    let isDescending: Bool
    let isNullsFirst: Bool
    let compare: TypeDescriptor.Comparison
    let type: TypeID
  }

  let keys: [Key]
  /// Of the first key what prefixes are made by: nothing in it is counted.
  private let firstKey: (isDescending: Bool, isNullsFirst: Bool, type: TypeID)?

  /// - Throws: ``SQLError`` where a type has no order.
  init(_ orders: [(type: TypeID, order: SortOrder)]) throws(SQLError) {
    var keys: [Key] = []
    for (type, order) in orders {
      // Types that name things are ordered as the OIDs that they are.
      let compare = TypeDescriptor.builtIn[type]?.compare ?? TypeDescriptor.builtIn[order.type]?.compare
      guard let compare else {
        throw SQLError(.undefinedFunction, "could not identify an ordering operator for type \(type.rawValue)")
      }
      keys.append(
        Key(isDescending: order.isDescending, isNullsFirst: order.isNullsFirst, compare: compare, type: type))
    }
    self.keys = keys
    firstKey = keys.first.map { ($0.isDescending, $0.isNullsFirst, $0.type) }
  }

  convenience init(_ keys: [SortKey]) throws(SQLError) {
    try self.init(keys.map { ($0.column.type.id, $0.order) })
  }

  /// Negative, zero or positive. Equal NULLs are equal.
  @inline(__always) static func order(_ key: Key, _ left: Datum?, _ right: Datum?) -> Int {
    guard let left else { return right == nil ? 0 : key.isNullsFirst ? -1 : 1 }
    guard let right else { return key.isNullsFirst ? 1 : -1 }
    let order = key.compare(left, right)
    return key.isDescending ? 0 - order.signum() : order
  }

  /// Compares the keys of two rows, of which each stands at its place among the columns.
  @inline(__always) func order(
    _ left: UnsafePointer<TupleColumn>, _ leftRow: Int, _ right: UnsafePointer<TupleColumn>, _ rightRow: Int,
    first: Int = 0
  ) -> Int {
    for place in first..<keys.count {
      let (a, b) = (left[place], right[place])
      let order = Self.order(
        keys[place], a.nulls[leftRow] ? nil : a.values[leftRow], b.nulls[rightRow] ? nil : b.values[rightRow])
      if order != 0 { return order }
    }
    return 0
  }

  /// Compares two stored rows.
  /// - Parameter columns: for each key, which column of the rows it is.
  @inline(__always) func order(
    _ format: RowFormat, _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ columns: [Int]
  ) -> Int {
    for (place, key) in keys.enumerated() {
      let column = columns[place]
      let order = Self.order(key, format.value(left, column), format.value(right, column))
      if order != 0 { return order }
    }
    return 0
  }

  // MARK: Prefixes

  /// A number for the first key's value whose order is that of the rows: equal where it cannot tell.
  func prefix(_ value: Datum?) -> UInt64 {
    guard let key = firstKey else { return 0 }
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
