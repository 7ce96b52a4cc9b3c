import CMillrace
public import MillraceIO
import Synchronization

/// Sorts records, in memory as long as they fit, and else through temporary files: PostgreSQL's tuplesort.c. For one
/// thread.
///
/// ```swift
/// let sort = ExternalSort(database, session.backend, memoryLimit: 64 << 20) { … }
/// for … { try sort.append(bytes, prefix: key) }
/// try sort.finish()
/// while let record = try sort.next() { … }
/// ```
///
/// Where memory is full, what it holds is sorted and written to a file as a *run*. In the end all runs are merged, with
/// two buffers each, one of which is being read while the other is used up; where there are too many for that, some are
/// merged into longer ones before.
///
/// The order is stable: equal records come in the order in which they were appended. Records are compared by a prefix
/// first, a number that the caller makes of each so that its order is that of the records. By that, records in memory
/// are sorted without comparisons (radix sort), in time proportional to their number; only those with the same prefix
/// are compared.
public final class ExternalSort {
  /// Negative, zero or positive. Both begin at a multiple of eight bytes.
  public typealias Comparison = (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Int

  private struct Entry {
    var prefix: UInt64
    /// Where the record is in memory: its length, then its bytes.
    var offset: UInt64
  }

  private let compare: Comparison?
  private let backend: IOBackend
  private let fileSystem: IOFileSystem
  private let directory: String
  private let memoryLimit: Int
  private var memory: UnsafeMutableRawBufferPointer
  private var used = 0
  private var entries: UnsafeMutablePointer<Entry>
  private var entryCapacity: Int
  private var entryCount = 0
  private var runs: [SortRun] = []
  private var given = 0
  /// Where merging stands.
  private var merge: RunMerge?
  private var isFinished = false
  /// Records appended.
  public private(set) var count = 0
  /// Runs that were written to files, and their bytes.
  public private(set) var runCount = 0
  public private(set) var fileBytes: Int64 = 0

  /// How many records ahead the processor brings in.
  private static let prefetchDistance = 16
  private static let fileNumber = Atomic<UInt64>(0)

  /// - Parameters:
  ///   - fileSystem: where temporary files go.
  ///   - directory: in which; made if it is not there.
  ///   - memoryLimit: bytes: `work_mem` or `maintenance_work_mem`. At least 64 kB are used.
  ///   - compare: decides between records with the same prefix; nil where that makes them equal.
  public init(
    fileSystem: IOFileSystem, directory: String, _ backend: IOBackend, memoryLimit: Int, compare: Comparison? = nil
  ) {
    (self.fileSystem, self.directory, self.backend) = (fileSystem, directory, backend)
    (self.memoryLimit, self.compare) = (max(memoryLimit, 64 << 10), compare)
    memory = .allocate(byteCount: 16 << 10, alignment: 8)
    entryCapacity = 256
    entries = .allocate(capacity: entryCapacity)
  }

  deinit {
    memory.deallocate()
    entries.deallocate()
  }

  // MARK: Appending

  /// Adds a record.
  /// - Parameters:
  ///   - bytes: copied.
  ///   - prefix: not greater than that of a record which comes later in the order.
  /// - Throws: ``EngineError`` where a file cannot be written.
  public func append(_ bytes: UnsafeRawBufferPointer, prefix: UInt64 = 0) throws(EngineError) {
    precondition(!isFinished, "a record was appended to a sort that is finished")
    let size = 8 + (bytes.count + 7) & ~7
    if used + size > memory.count || entryCount == entryCapacity { try makeRoom(size) }
    guard let base = memory.baseAddress else { preconditionFailure("a sort has no memory") }
    (base + used).storeBytes(of: UInt64(bytes.count), as: UInt64.self)
    if let source = bytes.baseAddress { (base + used + 8).copyMemory(from: source, byteCount: bytes.count) }
    (entries + entryCount).initialize(to: Entry(prefix: prefix, offset: UInt64(used)))
    entryCount += 1
    used += size
    count += 1
  }

  /// Makes memory larger, or empties it into a run.
  private func makeRoom(_ size: Int) throws(EngineError) {
    // Entries are needed twice where they are sorted.
    let held = memory.count + entryCapacity * 2 * MemoryLayout<Entry>.size
    let isTight = held * 2 > memoryLimit
    if isTight, entryCount > 0 {
      try writeRun()
      if used + size <= memory.count { return }
    }
    if used + size > memory.count {
      let grown = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(isTight ? 0 : memory.count * 2, (used + size + 4095) & ~4095), alignment: 8)
      grown.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<used]))
      memory.deallocate()
      memory = grown
    }
    if entryCount == entryCapacity {
      let grown = UnsafeMutablePointer<Entry>.allocate(capacity: entryCapacity * 2)
      grown.moveInitialize(from: entries, count: entryCount)
      entries.deallocate()
      (entries, entryCapacity) = (grown, entryCapacity * 2)
    }
  }

  private func bytes(_ entry: Entry) -> UnsafeRawBufferPointer {
    guard let base = memory.baseAddress else { preconditionFailure("a sort has no memory") }
    let place = base + Int(entry.offset)
    return UnsafeRawBufferPointer(start: place + 8, count: Int(place.load(as: UInt64.self)))
  }

  // MARK: Sorting in memory

  private func sortMemory() {
    radixSort()
    guard let compare else { return }
    // Among those with the same prefix the comparison decides.
    var start = 0
    while start < entryCount {
      var end = start + 1
      while end < entryCount, entries[end].prefix == entries[start].prefix { end += 1 }
      if end - start > 1 {
        var equal = UnsafeMutableBufferPointer(start: entries + start, count: end - start)
        equal.sort { left, right in
          let order = compare(bytes(left), bytes(right))
          return order != 0 ? order < 0 : left.offset < right.offset
        }
      }
      start = end
    }
  }

  /// Sorts by the prefix, from the lowest byte up; each pass keeps the order of those before. Bytes that are the same
  /// in all entries need no pass.
  private func radixSort() {
    let count = entryCount
    guard count > 1 else { return }
    let other = UnsafeMutablePointer<Entry>.allocate(capacity: count)
    defer { other.deallocate() }
    var (from, to) = (entries, other)
    var varying: UInt64 = 0
    let first = entries[0].prefix
    for index in 1..<count { varying |= entries[index].prefix ^ first }
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { starts in
      for shift in stride(from: UInt64(0), to: 64, by: 8) where varying >> shift & 0xFF != 0 {
        starts.update(repeating: 0)
        for index in 0..<count { starts[Int(from[index].prefix >> shift & 0xFF)] += 1 }
        var sum = 0
        for digit in 0..<256 {
          let here = starts[digit]
          starts[digit] = sum
          sum += here
        }
        for index in 0..<count {
          let digit = Int(from[index].prefix >> shift & 0xFF)
          to[starts[digit]] = from[index]
          starts[digit] += 1
        }
        swap(&from, &to)
      }
    }
    if from != entries { entries.update(from: from, count: count) }
  }

  // MARK: Runs

  private func makeRun(bufferSize: Int) throws(EngineError) -> SortRun {
    do throws(IOError) {
      let number = Self.fileNumber.wrappingAdd(1, ordering: .relaxed).newValue
      let file = try TemporaryFile(fileSystem, directory: directory, number: number, backend.engine)
      return SortRun(file, backend, bufferSize: bufferSize)
    } catch {
      throw EngineError(error)
    }
  }

  /// Bytes of a buffer where so many runs are merged at once.
  private func bufferSize(_ runs: Int) -> Int { min(max(memoryLimit / (2 * runs), 32 << 10), 256 << 10) & ~4095 }

  /// How many runs can be merged at once.
  private var fanIn: Int { min(max(memoryLimit / (64 << 10) - 1, 6), 500) }

  private func writeRun() throws(EngineError) {
    sortMemory()
    let run = try makeRun(bufferSize: 64 << 10)
    do throws(IOError) {
      for index in 0..<entryCount {
        prefetch(after: index)
        try run.append(entries[index].prefix, bytes(entries[index]))
      }
      try run.endWriting()
    } catch {
      throw EngineError(error)
    }
    note(run)
    (entryCount, used) = (0, 0)
  }

  private func note(_ run: SortRun) {
    runs.append(run)
    runCount += 1
    fileBytes += run.length
  }

  // MARK: Merging

  /// Ends appending. After it come the records, in order.
  /// - Throws: ``EngineError`` where a file cannot be written or read.
  public func finish() throws(EngineError) {
    precondition(!isFinished, "a sort was finished twice")
    isFinished = true
    guard !runs.isEmpty else { return sortMemory() }
    if entryCount > 0 { try writeRun() }
    memory.deallocate()
    memory = .allocate(byteCount: 8, alignment: 8)
    let fanIn = fanIn
    while runs.count > fanIn {
      // Of the earliest, so that equal records stay in their order, and no more than it takes.
      let group = Array(runs.prefix(min(fanIn, runs.count - fanIn + 1)))
      let later = Array(runs.dropFirst(group.count))
      runs = group
      let merge = try RunMerge(runs, bufferSize: bufferSize(runs.count), compare)
      let merged = try makeRun(bufferSize: 256 << 10)
      while let run = try merge.next() {
        do throws(IOError) { try merged.append(run.prefix, run.record) } catch { throw EngineError(error) }
      }
      do throws(IOError) { try merged.endWriting() } catch { throw EngineError(error) }
      runs = []
      note(merged)
      runs += later
    }
    try beginMerge()
  }

  private func beginMerge() throws(EngineError) {
    merge = nil
    merge = try RunMerge(runs, bufferSize: bufferSize(runs.count), compare)
  }

  /// Goes back to the first record.
  public func rewind() throws(EngineError) {
    precondition(isFinished, "a sort was gone through before it was finished")
    given = 0
    if !runs.isEmpty { try beginMerge() }
  }

  /// Bytes of memory that it holds.
  public var memoryBytes: Int { memory.count + entryCapacity * MemoryLayout<Entry>.size }

  /// The next record in order; nil at the end.
  /// - Returns: bytes that are valid until the next call.
  /// - Throws: ``EngineError`` where a file cannot be read.
  public func next() throws(EngineError) -> UnsafeRawBufferPointer? {
    precondition(isFinished, "a sort gives out records when it is finished")
    if let merge { return try merge.next()?.record }
    guard given < entryCount else { return nil }
    defer { given += 1 }
    prefetch(after: given)
    return bytes(entries[given])
  }

  /// Has the processor bring in a record that comes soon: they lie in the order in which they came, each somewhere
  /// else.
  private func prefetch(after index: Int) {
    guard index + Self.prefetchDistance < entryCount, let base = memory.baseAddress else { return }
    millrace_prefetch(base + Int(entries[index + Self.prefetchDistance].offset))
  }
}
