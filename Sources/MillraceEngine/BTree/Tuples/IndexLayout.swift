public import MillraceTypes
import MillraceStorage

/// A column that an index is ordered by.
public struct IndexColumn: Sendable {
  public var type: TypeDescriptor
  public var isDescending: Bool
  /// Whether nulls come before all values; by default where it is descending, as in PostgreSQL.
  public var nullsFirst: Bool

  public init(_ type: TypeDescriptor, isDescending: Bool = false, nullsFirst: Bool? = nil) {
    (self.type, self.isDescending) = (type, isDescending)
    self.nullsFirst = nullsFirst ?? isDescending
  }
}

/// How the columns of an index lie in its tuples, and how they are compared: PostgreSQL's index tuple descriptor and
/// the operator classes. Made once for an index, and used by all threads.
public final class IndexLayout: @unchecked Sendable {
  // Safe because nothing changes after it has been made.

  /// The columns that order it, and behind them those that are only included.
  public let keys: [IndexColumn]
  public let included: [TypeDescriptor]
  public let keyCount: Int
  public let columnCount: Int
  /// By number; in memory of their own, so that a comparison counts no references.
  let columns: UnsafeMutablePointer<Column>
  /// How the types compare that have no way of their own in ``Comparison``.
  private let comparisons: UnsafeMutablePointer<TypeDescriptor.Comparison>

  /// How two values of a column are compared: the frequent ways without a call through a pointer.
  enum Comparison: UInt8 { case int2, int4, int8, oid, bool, text, general }

  struct Column {
    /// Bytes; -1 for a varlena, -2 for a C string.
    var width: Int
    var alignment: Int
    var isByValue: Bool
    var comparison: Comparison
    var isDescending = false
    var nullsFirst = false
    /// Whether a short varlena gets one byte of length instead of four.
    var canBeShort: Bool
  }

  /// - Precondition: one key column at least, and at most 32 columns together; the types of keys can be ordered.
  public init(keys: [IndexColumn], included: [TypeDescriptor] = []) {
    precondition(
      !keys.isEmpty && keys.count + included.count <= IndexTuple.columnCountMax, "an index has 1 to 32 columns")
    (self.keys, self.included, keyCount) = (keys, included, keys.count)
    columnCount = keys.count + included.count
    columns = .allocate(capacity: columnCount)
    comparisons = .allocate(capacity: keys.count)
    for (number, key) in keys.enumerated() {
      guard let compare = key.type.compare else {
        preconditionFailure("an index on the type \(key.type.name), which has no order")
      }
      (comparisons + number).initialize(to: compare)
      var column = Self.column(key.type)
      (column.isDescending, column.nullsFirst) = (key.isDescending, key.nullsFirst)
      (columns + number).initialize(to: column)
    }
    for (number, type) in included.enumerated() { (columns + keys.count + number).initialize(to: Self.column(type)) }
  }

  deinit {
    columns.deallocate()
    comparisons.deinitialize(count: keyCount)
    comparisons.deallocate()
  }

  private static func column(_ type: TypeDescriptor) -> Column {
    // Names are kept as C strings in indexes, because most are much shorter than 64 bytes (name_ops' opckeytype).
    let isName = type.id == .name
    let comparison: Comparison =
      switch type.id {
      case .int2: .int2
      case .int4: .int4
      case .int8: .int8
      case .oid: .oid
      case .bool: .bool
      case .text, .varchar, .bytea: .text
      default: .general
      }
    return Column(
      width: isName ? -2 : Int(type.length), alignment: isName ? 1 : type.alignment.bytes, isByValue: type.isByValue,
      comparison: comparison, canBeShort: type.storage != .plain)
  }

  /// Whether values that compare as equal are always the same bytes, in all columns, so that equal keys can share one
  /// (`_bt_allequalimage`). Not for numbers with a scale, floating point with its two zeros, and intervals.
  public var allEqualImage: Bool {
    included.isEmpty
      && keys.allSatisfy { key in
        switch key.type.id {
        case .bool, .int2, .int4, .int8, .oid, .char, .name, .text, .varchar, .bpchar, .bytea, .date, .time, .timeTZ,
          .timestamp, .timestampTZ, .uuid, .tid, .oidVector, .pgLSN, .xid8, .macaddr:
          true
        default: false
        }
      }
  }

  // MARK: Comparing

  /// Compares two values of a key column in the order of the index.
  /// - Returns: negative, zero, positive.
  @inline(__always) func order(_ number: Int, _ left: Datum, _ right: Datum) -> Int {
    let order: Int
    switch columns[number].comparison {
    case .int4:
      let (a, b) = (left.int32, right.int32)
      order = a < b ? -1 : a > b ? 1 : 0
    case .int8:
      let (a, b) = (left.int64, right.int64)
      order = a < b ? -1 : a > b ? 1 : 0
    case .text: order = TextType.compare(left, right)
    case .int2: order = Int(left.int16) - Int(right.int16)
    case .oid:
      let (a, b) = (left.oid, right.oid)
      order = a < b ? -1 : a > b ? 1 : 0
    case .bool: order = (left.bool ? 1 : 0) - (right.bool ? 1 : 0)
    case .general: order = comparisons[number](left, right)
    }
    return columns[number].isDescending ? -order : order
  }

  /// The same with nulls.
  @inline(__always) func order(_ number: Int, _ left: Datum?, _ right: Datum?) -> Int {
    switch (left, right) {
    case (let left?, let right?): order(number, left, right)
    case (nil, nil): 0
    case (nil, _): columns[number].nullsFirst ? -1 : 1
    case (_, nil): columns[number].nullsFirst ? 1 : -1
    }
  }

  /// Compares the keys of two tuples, as far as both have columns; not their heap TIDs.
  func order(_ left: IndexTuple, _ right: IndexTuple) -> Int {
    var (a, b) = (IndexTupleReader(left, self), IndexTupleReader(right, self))
    for number in 0..<min(left.columnCount(of: keyCount), right.columnCount(of: keyCount)) {
      let order = order(number, a.next(), b.next())
      if order != 0 { return order }
    }
    return 0
  }

  /// How many key columns, from the first on, it takes to tell two tuples apart; one more than there are where they do
  /// not.
  /// - Parameter byImage: compare bytes and not values: cheaper, and may find a difference where there is none
  ///   (`_bt_keep_natts_fast`).
  func columnsToSeparate(_ left: IndexTuple, _ right: IndexTuple, byImage: Bool) -> Int {
    var (a, b) = (IndexTupleReader(left, self), IndexTupleReader(right, self))
    // Of a pivot there may be less.
    let common = min(left.columnCount(of: keyCount), right.columnCount(of: keyCount))
    for number in 0..<keyCount {
      guard number < common else { return number + 1 }
      let (x, y) = (a.next(), b.next())
      let isEqual = byImage ? Self.isSameImage(x, y, columns[number]) : order(number, x, y) == 0
      if !isEqual { return number + 1 }
    }
    return keyCount + 1
  }

  private static func isSameImage(_ left: Datum?, _ right: Datum?, _ column: Column) -> Bool {
    switch (left, right) {
    case (let left?, let right?): column.isByValue ? left.word == right.word : left.bytes.isEqual(right.bytes)
    case (nil, nil): true
    default: false
    }
  }
}

/// Reads the columns of an index tuple, one after another, in place. A column that would lie outside of the tuple is
/// null.
struct IndexTupleReader {
  private let base: UnsafeMutableRawPointer
  private let end: Int
  private let hasNulls: Bool
  private var position: Int
  private var column: UnsafeMutablePointer<IndexLayout.Column>
  private var number = 0

  @inline(__always) init(_ tuple: IndexTuple, _ layout: IndexLayout) {
    base = tuple.base
    end = tuple.size
    hasNulls = tuple.hasNulls
    position = tuple.dataOffset
    column = layout.columns
  }

  /// The next column; nil where it is null. Bytes are those of the tuple.
  /// - Precondition: not more often than the index has columns.
  @inline(__always) mutating func next() -> Datum? {
    let column = column.pointee
    self.column += 1
    defer { number += 1 }
    if hasNulls,
      base.load(fromByteOffset: IndexTuple.headerSize + number >> 3, as: UInt8.self) >> UInt8(number & 7) & 1 == 0
    {
      return nil
    }
    guard column.width > 0 else { return nextVariable(column) }
    position = (position + column.alignment - 1) & ~(column.alignment - 1)
    guard position + column.width <= end else { return nil }
    defer { position += column.width }
    guard column.isByValue else { return Datum(UnsafeRawBufferPointer(start: base + position, count: column.width)) }
    switch column.width {
    case 4: return Datum(base.loadUnaligned(fromByteOffset: position, as: Int32.self))
    case 8: return Datum(base.loadUnaligned(fromByteOffset: position, as: Int64.self))
    case 2: return Datum(base.loadUnaligned(fromByteOffset: position, as: Int16.self))
    default: return Datum(char: base.load(fromByteOffset: position, as: UInt8.self))
    }
  }

  private mutating func nextVariable(_ column: IndexLayout.Column) -> Datum? {
    guard position < end else { return nil }
    guard column.width == -1 else { return nextCString() }
    // A zero can only be padding before a length of four bytes.
    if base.load(fromByteOffset: position, as: UInt8.self) == 0 {
      position = (position + column.alignment - 1) & ~(column.alignment - 1)
      guard position < end else { return nil }
    }
    let first = base.load(fromByteOffset: position, as: UInt8.self)
    if first & 1 == 1 {
      let count = Int(first >> 1)
      guard count >= 1, position + count <= end else { return nil }
      defer { position += count }
      return Datum(UnsafeRawBufferPointer(start: base + position + 1, count: count - 1))
    }
    guard position + 4 <= end else { return nil }
    let word = base.loadUnaligned(fromByteOffset: position, as: UInt32.self)
    let count = Int(word >> 2)
    guard count >= 4, position + count <= end else { return nil }
    defer { position += count }
    if word & 3 != 0 {
      return Datum(UnsafeRawBufferPointer(start: base + position, count: count), isToasted: true)
    }
    return Datum(UnsafeRawBufferPointer(start: base + position + 4, count: count - 4))
  }

  private mutating func nextCString() -> Datum? {
    let rest = UnsafeRawBufferPointer(start: base + position, count: end - position)
    guard let zero = rest.firstIndex(of: 0) else { return nil }
    defer { position += zero + 1 }
    return Datum(UnsafeRawBufferPointer(rebasing: rest[..<zero]))
  }
}
