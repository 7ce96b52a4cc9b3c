import MillraceEngine
import MillraceTypes

/// The rows of a hash join's inner side, found by their keys.
///
/// Rows lie one behind the other in flat memory; those with the same hash are linked. The directory is made when all of
/// them are there, so it is as large as it has to be; an entry carries besides the address some bits of the hashes
/// behind it, so that most rows without a partner are found out without a look at any row (as in Leis et al.,
/// Morsel-Driven Parallelism, SIGMOD 2014).
final class JoinHashTable {
  /// In front of each row: the next one of the chain, the hash's upper half, and the row's size with a bit for whether
  /// it has found a partner.
  static let headerSize = 16
  private static let matchedFlag: UInt32 = 1 << 31
  private static let addressMask: UInt64 = 1 << 48 - 1

  let format: RowFormat
  private let memory = RowMemory()
  private var directory: UnsafeMutablePointer<UInt64>?
  private(set) var bucketCount = 0
  private(set) var count = 0
  private var first: UnsafeMutableRawPointer?
  /// Where all rows are, for those who want each of them.
  private var rows: [UnsafeMutableRawPointer] = []
  private let keepsList: Bool

  /// - Parameters:
  ///   - format: of the rows: the keys first.
  ///   - keepsList: whether rows without a partner will be asked for.
  init(_ format: RowFormat, keepsList: Bool) { (self.format, self.keepsList) = (format, keepsList) }

  deinit { directory?.deallocate() }

  var byteCount: Int { memory.capacity + bucketCount * 8 + rows.capacity * 8 }

  // MARK: Building

  /// Adds a row.
  func add(_ columns: UnsafePointer<TupleColumn>, row: Int, hash: UInt64) {
    let size = format.size(columns, row: row)
    let record = place(size, hash)
    format.write(columns, row: row, to: record + Self.headerSize)
  }

  /// Adds a row that has been written already.
  func add(_ bytes: UnsafeRawBufferPointer, hash: UInt64) {
    let record = place(bytes.count, hash)
    if let source = bytes.baseAddress {
      (record + Self.headerSize).copyMemory(from: source, byteCount: bytes.count)
    }
  }

  private func place(_ size: Int, _ hash: UInt64) -> UnsafeMutableRawPointer {
    let record = memory.allocate(Self.headerSize + size)
    // Until there is a directory all rows are one chain.
    record.storeBytes(of: UInt64(UInt(bitPattern: first)), as: UInt64.self)
    record.storeBytes(of: UInt32(truncatingIfNeeded: hash >> 32), toByteOffset: 8, as: UInt32.self)
    record.storeBytes(of: UInt32(truncatingIfNeeded: size), toByteOffset: 12, as: UInt32.self)
    first = record
    count += 1
    return record
  }

  /// The hash of a row, as far as it is kept.
  @inline(__always) private static func hash(of record: UnsafeRawPointer) -> UInt32 {
    record.load(fromByteOffset: 8, as: UInt32.self)
  }

  @inline(__always) private static func next(_ record: UnsafeRawPointer) -> UnsafeMutableRawPointer? {
    UnsafeMutableRawPointer(bitPattern: UInt(record.load(as: UInt64.self)))
  }

  /// Makes the directory. Nothing can be added from then on.
  func finish() {
    bucketCount = 1024
    while bucketCount < count + count / 2 { bucketCount *= 2 }
    let made = UnsafeMutablePointer<UInt64>.allocate(capacity: bucketCount)
    made.initialize(repeating: 0, count: bucketCount)
    directory = made
    if keepsList { rows.reserveCapacity(count) }
    var record = first
    while let current = record {
      record = Self.next(current)
      let hash = Self.hash(of: current)
      let bucket = made + bucket(hash)
      current.storeBytes(of: bucket.pointee & Self.addressMask, as: UInt64.self)
      let tags = bucket.pointee & ~Self.addressMask
      bucket.pointee = UInt64(UInt(bitPattern: current)) | tags | Self.tag(hash)
      if keepsList { rows.append(current) }
    }
    first = nil
  }

  @inline(__always) private func bucket(_ hash: UInt32) -> Int { Int(hash) & (bucketCount - 1) }

  /// One of sixteen bits.
  @inline(__always) private static func tag(_ hash: UInt32) -> UInt64 { 1 << UInt64(48 + hash >> 28) }

  // MARK: Looking up

  /// The first row that may have a hash; nil where there is none.
  @inline(__always) func firstCandidate(_ hash: UInt64) -> UnsafeMutableRawPointer? {
    let hash = UInt32(truncatingIfNeeded: hash >> 32)
    guard let entry = directory?[bucket(hash)], entry & Self.tag(hash) != 0 else { return nil }
    return search(UnsafeMutableRawPointer(bitPattern: UInt(entry & Self.addressMask)), hash)
  }

  /// The next row with the same hash.
  @inline(__always) func nextCandidate(
    after record: UnsafeMutableRawPointer, _ hash: UInt64
  ) -> UnsafeMutableRawPointer? {
    search(Self.next(record), UInt32(truncatingIfNeeded: hash >> 32))
  }

  @inline(__always) private func search(
    _ record: UnsafeMutableRawPointer?, _ hash: UInt32
  ) -> UnsafeMutableRawPointer? {
    var record = record
    while let current = record {
      if Self.hash(of: current) == hash { return current }
      record = Self.next(current)
    }
    return nil
  }

  /// Bytes of a row, with what stands in front of it.
  static func size(of record: UnsafeMutableRawPointer) -> Int {
    headerSize + Int(record.load(fromByteOffset: 12, as: UInt32.self) & ~matchedFlag)
  }

  /// Makes what stands in front of a row.
  static func begin(_ record: UnsafeMutableRawPointer, size: Int) {
    record.storeBytes(of: 0 as UInt64, as: UInt64.self)
    record.storeBytes(of: 0 as UInt32, toByteOffset: 8, as: UInt32.self)
    record.storeBytes(of: UInt32(truncatingIfNeeded: size), toByteOffset: 12, as: UInt32.self)
  }

  /// The row itself.
  @inline(__always) static func row(_ record: UnsafeMutableRawPointer) -> UnsafeRawPointer {
    UnsafeRawPointer(record + headerSize)
  }

  @inline(__always) static func setMatched(_ record: UnsafeMutableRawPointer) {
    let size = record.load(fromByteOffset: 12, as: UInt32.self)
    record.storeBytes(of: size | matchedFlag, toByteOffset: 12, as: UInt32.self)
  }

  @inline(__always) static func isMatched(_ record: UnsafeMutableRawPointer) -> Bool {
    record.load(fromByteOffset: 12, as: UInt32.self) & matchedFlag != 0
  }

  /// Forgets which rows have found partners.
  func clearMatches() {
    for record in rows {
      let size = record.load(fromByteOffset: 12, as: UInt32.self)
      record.storeBytes(of: size & ~Self.matchedFlag, toByteOffset: 12, as: UInt32.self)
    }
  }

  /// The row at a place among all; only where a list is kept.
  func record(_ index: Int) -> UnsafeMutableRawPointer { rows[index] }

  /// Calls `body` with each row that has been added so far, with its hash, before the directory is made.
  func forEachAdded(
    _ body: (UnsafeRawBufferPointer, _ hash: UInt64) throws(SQLError) -> Void
  ) throws(SQLError) {
    var record = first
    while let current = record {
      let size = Int(current.load(fromByteOffset: 12, as: UInt32.self))
      let bytes = UnsafeRawBufferPointer(start: current + Self.headerSize, count: size)
      try body(bytes, UInt64(Self.hash(of: current)) << 32)
      record = Self.next(current)
    }
  }

  func removeAll() {
    directory?.deallocate()
    (directory, first, count, bucketCount, rows) = (nil, nil, 0, 0, [])
    memory.removeAll()
  }
}
