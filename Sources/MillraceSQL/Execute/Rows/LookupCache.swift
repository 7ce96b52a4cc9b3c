import MillraceEngine
import MillraceTypes

/// What has been found for which key, as long as there is memory; then what has not been asked for the longest goes
/// (src/backend/executor/nodeMemoize.c). Used by one thread.
///
/// Keys are the same only if their bytes are, so that values which are equal but differ to somebody have entries of
/// their own.
final class LookupCache {
  /// A key, and the rows that were found for it, one behind the other.
  struct Entry {
    fileprivate let hash: UInt64
    fileprivate let key: UnsafeMutableRawPointer
    fileprivate let keySize: Int
    fileprivate var rows: UnsafeMutableRawPointer?
    fileprivate var used = 0
    fileprivate var capacity = 0
    /// Whether all rows are there.
    var isComplete = false
    /// The next one of the same bucket; and the neighbours in the order in which entries were asked for.
    fileprivate var following: UnsafeMutablePointer<Entry>?
    fileprivate var older: UnsafeMutablePointer<Entry>?
    fileprivate var newer: UnsafeMutablePointer<Entry>?
  }

  typealias Place = UnsafeMutablePointer<Entry>

  private let keyFormat: RowFormat
  private let rowFormat: RowFormat
  private let limit: Int
  private var buckets: UnsafeMutablePointer<Place?>
  private var bucketCount = 1024
  private var count = 0
  private var oldest: Place?
  private var newest: Place?
  /// The key that is looked for.
  private var scratch: UnsafeMutableRawPointer
  private var scratchSize = 256
  private var byteCount = 0
  private(set) var peakByteCount = 0
  private(set) var evictions: UInt64 = 0

  /// - Parameter limit: in bytes.
  init(keyFormat: RowFormat, rowFormat: RowFormat, limit: Int) {
    (self.keyFormat, self.rowFormat, self.limit) = (keyFormat, rowFormat, limit)
    buckets = .allocate(capacity: bucketCount)
    buckets.initialize(repeating: nil, count: bucketCount)
    scratch = .allocate(byteCount: scratchSize, alignment: 8)
  }

  deinit {
    removeAll()
    buckets.deallocate()
    scratch.deallocate()
  }

  // MARK: Keys

  /// The entry of a key, made anew if there is none; it counts as the newest one.
  /// - Parameter columns: the key, as the first row of these.
  func entry(_ columns: UnsafePointer<TupleColumn>) -> (entry: Place, isNew: Bool) {
    let size = keyFormat.size(columns, row: 0)
    if size > scratchSize {
      scratch.deallocate()
      scratchSize = size * 2
      scratch = .allocate(byteCount: scratchSize, alignment: 8)
    }
    // What lies between the values counts when keys are compared.
    scratch.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    keyFormat.write(columns, row: 0, to: scratch)
    let key = UnsafeRawBufferPointer(start: scratch, count: size)
    let hash = Self.hash(key)
    var next = buckets[bucket(hash)]
    while let found = next {
      if found.pointee.hash == hash, found.pointee.keySize == size,
        ByteView(start: found.pointee.key, count: size).isEqual(ByteView(key))
      {
        touch(found)
        return (found, false)
      }
      next = found.pointee.following
    }
    return (insert(key, hash), true)
  }

  @inline(__always) private func bucket(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (bucketCount - 1) }

  private static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0x243F_6A88_85A3_08D3
    for at in stride(from: 0, to: key.count, by: 8) {
      let product = (hash ^ key.load(fromByteOffset: at, as: UInt64.self))
        .multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
      hash = product.high ^ product.low
    }
    return hash
  }

  private func insert(_ key: UnsafeRawBufferPointer, _ hash: UInt64) -> Place {
    if count >= bucketCount { growBuckets() }
    let copy = UnsafeMutableRawPointer.allocate(byteCount: key.count, alignment: 8)
    copy.copyMemory(from: scratch, byteCount: key.count)
    let made = Place.allocate(capacity: 1)
    made.initialize(to: Entry(hash: hash, key: copy, keySize: key.count, following: buckets[bucket(hash)]))
    buckets[bucket(hash)] = made
    count += 1
    link(made)
    note(MemoryLayout<Entry>.size + key.count)
    while byteCount > limit, let oldest, oldest != made { evict(oldest) }
    return made
  }

  private func growBuckets() {
    let old = UnsafeMutableBufferPointer(start: buckets, count: bucketCount)
    bucketCount *= 2
    buckets = .allocate(capacity: bucketCount)
    buckets.initialize(repeating: nil, count: bucketCount)
    for first in old {
      var next = first
      while let entry = next {
        next = entry.pointee.following
        entry.pointee.following = buckets[bucket(entry.pointee.hash)]
        buckets[bucket(entry.pointee.hash)] = entry
      }
    }
    old.deallocate()
  }

  // MARK: Rows

  /// Forgets an entry's rows, which are not all there.
  func clear(_ entry: Place) {
    byteCount -= entry.pointee.capacity
    entry.pointee.rows?.deallocate()
    (entry.pointee.rows, entry.pointee.used, entry.pointee.capacity) = (nil, 0, 0)
    entry.pointee.isComplete = false
  }

  /// Adds a row. - Returns: false where there is no room for it even without all others: then the entry is gone.
  func append(_ columns: UnsafePointer<TupleColumn>, row: Int, to entry: Place) -> Bool {
    let size = rowFormat.size(columns, row: row) + 8
    if entry.pointee.used + size > entry.pointee.capacity { grow(entry, by: size) }
    guard let rows = entry.pointee.rows else { return false }
    let target = rows + entry.pointee.used
    target.storeBytes(of: size, as: Int.self)
    rowFormat.write(columns, row: row, to: target + 8)
    entry.pointee.used += size
    return makeRoom(keeping: entry)
  }

  private func grow(_ entry: Place, by size: Int) {
    let capacity = max(entry.pointee.capacity * 2, entry.pointee.used + size)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
    if let old = entry.pointee.rows {
      larger.copyMemory(from: old, byteCount: entry.pointee.used)
      old.deallocate()
    }
    note(capacity - entry.pointee.capacity)
    (entry.pointee.rows, entry.pointee.capacity) = (larger, capacity)
  }

  /// Puts rows of an entry into a batch's columns, as many as fit.
  /// - Parameter position: where to go on; 0 at first.
  /// - Returns: how many.
  func read(
    _ entry: Place, from position: inout Int, into columns: UnsafePointer<TupleColumn>, limit: Int
  ) -> Int {
    guard let rows = entry.pointee.rows else { return 0 }
    var row = 0
    while row < limit, position < entry.pointee.used {
      let record = rows + position
      rowFormat.read(record + 8, into: columns, row: row)
      position += record.load(as: Int.self)
      row += 1
    }
    return row
  }

  // MARK: Memory

  private func note(_ bytes: Int) {
    byteCount += bytes
    peakByteCount = max(peakByteCount, byteCount)
  }

  /// Removes what has not been asked for the longest.
  /// - Returns: false where the entry that is in use had to go as well.
  private func makeRoom(keeping entry: Place) -> Bool {
    while byteCount > limit, let oldest {
      evict(oldest)
      if oldest == entry { return false }
    }
    return true
  }

  private func evict(_ entry: Place) {
    evictions += 1
    remove(entry)
  }

  private func remove(_ entry: Place) {
    unlink(entry)
    let place = bucket(entry.pointee.hash)
    if buckets[place] == entry {
      buckets[place] = entry.pointee.following
    } else {
      var before = buckets[place]
      while let known = before, known.pointee.following != entry { before = known.pointee.following }
      before?.pointee.following = entry.pointee.following
    }
    count -= 1
    free(entry)
  }

  private func free(_ entry: Place) {
    byteCount -= MemoryLayout<Entry>.size + entry.pointee.keySize + entry.pointee.capacity
    entry.pointee.rows?.deallocate()
    entry.pointee.key.deallocate()
    entry.deinitialize(count: 1)
    entry.deallocate()
  }

  func removeAll() {
    var next = oldest
    while let entry = next {
      next = entry.pointee.newer
      free(entry)
    }
    (oldest, newest, count) = (nil, nil, 0)
    buckets.update(repeating: nil, count: bucketCount)
  }

  // MARK: The order of use

  private func touch(_ entry: Place) {
    guard newest != entry else { return }
    unlink(entry)
    link(entry)
  }

  private func link(_ entry: Place) {
    (entry.pointee.older, entry.pointee.newer) = (newest, nil)
    newest?.pointee.newer = entry
    newest = entry
    if oldest == nil { oldest = entry }
  }

  private func unlink(_ entry: Place) {
    let (older, newer) = (entry.pointee.older, entry.pointee.newer)
    if let older { older.pointee.newer = newer } else { oldest = newer }
    if let newer { newer.pointee.older = older } else { newest = older }
  }
}
