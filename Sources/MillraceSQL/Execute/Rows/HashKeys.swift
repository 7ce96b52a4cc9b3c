import MillraceEngine
import MillraceTypes

/// How the values that rows are found by are hashed and compared: the keys of a hash join, of groups, of sets.
///
/// The hashes are this executor's own and nobody else sees them; equal values have equal ones, NULLs too.
final class HashKeys {
  /// What a column's values are, as far as it matters here.
  private enum Kind: UInt8 {
    /// The word decides: integers, dates, OIDs.
    case word
    case float4, float8
    /// The bytes decide: texts, uuid.
    case bytes
    /// The type's own functions.
    case other
  }

  private struct Column {
    var kind: Kind
    /// Unretained: built-in types are there for ever.
    var type: Unmanaged<TypeDescriptor>
  }

  let count: Int
  private let columns: UnsafeMutablePointer<Column>
  /// Whether there is one column, and its word decides.
  let isSingleWord: Bool

  /// - Parameters:
  ///   - types: of the values on both sides.
  /// - Throws: ``SQLError`` where a type has no hash or no equality.
  init(_ types: [ValueType]) throws(SQLError) {
    count = types.count
    var found: [Column] = []
    for type in types { found.append(try Self.column(type.id)) }
    columns = .allocate(capacity: max(found.count, 1))
    for (index, column) in found.enumerated() { (columns + index).initialize(to: column) }
    isSingleWord = found.count == 1 && found[0].kind == .word
  }

  deinit { columns.deallocate() }

  private static func column(_ id: TypeID) throws(SQLError) -> Column {
    guard let type = TypeDescriptor.builtIn[id], type.equal != nil else {
      // Types that name things are compared as the OIDs that they are.
      if TypeDescriptor.builtIn[id]?.isByValue ?? false {
        return Column(kind: .word, type: Unmanaged.passUnretained(TypeDescriptor.oid))
      }
      throw SQLError(.undefinedFunction, "could not identify an equality operator for type \(id.rawValue)")
    }
    let kind: Kind
    switch id {
    case .float4: kind = .float4
    case .float8: kind = .float8
    case .text, .varchar, .bytea, .uuid: kind = .bytes
    default:
      kind = type.isByValue ? .word : .other
      if kind == .other, type.hash == nil {
        throw SQLError(.undefinedFunction, "could not identify a hash function for type \(type.name)")
      }
    }
    return Column(kind: kind, type: Unmanaged.passUnretained(type))
  }

  // MARK: Hashing

  /// The hashes of a batch's rows.
  /// - Parameters:
  ///   - keys: one for each column; never toasted.
  ///   - hashes: by row number.
  func hash(_ keys: [ColumnVector], _ rows: RowSelection, into hashes: UnsafeMutablePointer<UInt64>) {
    for place in 0..<rows.count { hashes[rows[place]] = Self.seed }
    for (index, vector) in keys.enumerated() { hash(columns[index], vector, rows, into: hashes) }
  }

  private static let seed: UInt64 = 0x243F_6A88_85A3_08D3
  private static let nullHash: UInt64 = 0x1319_8A2E_0370_7344

  @inline(__always) private static func mix(_ known: UInt64, _ value: UInt64) -> UInt64 {
    let product = (known ^ value).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
  }

  private func hash(
    _ column: Column, _ vector: ColumnVector, _ rows: RowSelection, into hashes: UnsafeMutablePointer<UInt64>
  ) {
    let (values, nulls) = (vector.values, vector.nulls)
    switch column.kind {
    case .word:
      for place in 0..<rows.count {
        let row = rows[place]
        hashes[row] = Self.mix(hashes[row], nulls[row] ? Self.nullHash : values[row].word)
      }
    case .float4, .float8, .bytes, .other:
      for place in 0..<rows.count {
        let row = rows[place]
        hashes[row] = Self.mix(hashes[row], nulls[row] ? Self.nullHash : Self.hash(column, values[row]))
      }
    }
  }

  private static func hash(_ column: Column, _ value: Datum) -> UInt64 {
    switch column.kind {
    case .word: value.word
    case .float4: canonical(Double(value.float4))
    case .float8: canonical(value.float8)
    case .bytes: hash(value.bytes.buffer)
    case .other: column.type._withUnsafeGuaranteedRef { UInt64($0.hash?(value) ?? 0) }
    }
  }

  /// Zeros of both signs are equal, and so are all that are not numbers.
  @inline(__always) private static func canonical(_ value: Double) -> UInt64 {
    value == 0 ? 0 : value.isNaN ? Double.nan.bitPattern : value.bitPattern
  }

  private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    guard let start = bytes.baseAddress else { return 0 }
    var hash = mix(seed, UInt64(bytes.count))
    var at = 0
    while at + 8 <= bytes.count {
      hash = mix(hash, start.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      at += 8
    }
    var rest: UInt64 = 0
    while at < bytes.count {
      rest = rest << 8 | UInt64(start.load(fromByteOffset: at, as: UInt8.self))
      at += 1
    }
    return mix(hash, rest)
  }

  // MARK: Comparing

  @inline(__always) func isEqual(_ column: Int, _ left: Datum, _ right: Datum) -> Bool {
    switch columns[column].kind {
    case .word: left.word == right.word
    case .float4: Self.canonical(Double(left.float4)) == Self.canonical(Double(right.float4))
    case .float8: Self.canonical(left.float8) == Self.canonical(right.float8)
    case .bytes: left.bytes.isEqual(right.bytes)
    case .other: columns[column].type._withUnsafeGuaranteedRef { $0.equal?(left, right) ?? false }
    }
  }

  /// Whether the first columns of a stored row are the keys of a batch's row; NULLs are equal.
  @inline(__always) func isEqual(
    _ format: RowFormat, _ record: UnsafeRawPointer, _ keys: UnsafePointer<TupleColumn>, row: Int
  ) -> Bool {
    for index in 0..<count {
      let key = keys[index]
      let isNull = format.isNull(record, index)
      if isNull || key.nulls[row] {
        if isNull != key.nulls[row] { return false }
        continue
      }
      if !isEqual(index, format.datum(record, index), key.values[row]) { return false }
    }
    return true
  }
}
