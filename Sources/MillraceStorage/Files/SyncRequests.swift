import Glibc
public import MillraceIO
import Synchronization

/// What a failure to make data durable means.
public enum SyncPolicy: Sendable {
  /// The data may be lost and asking again would not say so: nothing counts as durable any more, and the engine has to
  /// stop and recover (`data_sync_retry=off`).
  case failureIsFinal
  /// The next checkpoint tries again (`data_sync_retry=on`); for systems that keep what they could not write.
  case failureIsRetried
  /// Nothing is made durable (`fsync=off`). A crash of the machine may leave anything.
  case nothingIsSynced
}

/// What one round of ``SyncRequests/syncAll(_:)`` did.
public struct SyncReport: Sendable, Equatable {
  public var files = 0
  public var directories = 0
  /// Nanoseconds from the first request to the last completion.
  public var elapsed: UInt64 = 0
  /// Nanoseconds of the sync that took longest.
  public var longest: UInt64 = 0
  /// Nanoseconds of all syncs together: over `elapsed`, how many were in flight on average.
  public var total: UInt64 = 0
}

/// What has been written since the last checkpoint and has to be made durable by the next one (PostgreSQL's sync.c).
///
/// A checkpoint calls, in this order: ``beginCheckpoint()`` when it fixes its redo position; ``syncAll(_:)`` when all
/// pages that were dirty then are written; ``endCheckpoint()`` when its record is durable.
public final class SyncRequests: @unchecked Sendable {
  // Safe because what is mutable is atomic or inside a lock; files on the list belong to whoever takes the list.

  public let policy: SyncPolicy
  private let files: DescriptorCache
  /// The files that are remembered, newest first, retained: a stack that anybody pushes on and one takes as a whole.
  private let newest = Atomic<UnsafeRawPointer?>(nil)
  private let requestCount = Atomic<UInt64>(0)
  /// Requests under way: a file may be marked as remembered, but not be on the list yet.
  private let underway = Atomic<Int>(0)
  private let names = Locked(Names())
  private let final = Locked(Final())

  /// What has failed for good, and who is to be told.
  private struct Final {
    var failure: StorageError?
    var observer: (@Sendable (StorageError) -> Void)?
  }

  private struct Names {
    /// Directories in which files were made or removed.
    var directories: Set<String> = []
    /// Files to be removed after a checkpoint that begins later than the request.
    var unlinks: [(path: String, cycle: UInt64)] = []
    /// Checkpoints begun.
    var cycle: UInt64 = 0
  }

  init(files: DescriptorCache, policy: SyncPolicy) { (self.files, self.policy) = (files, policy) }

  deinit { for file in take() { file.isSyncRequested.store(false, ordering: .relaxed) } }

  /// Files that wait to be synced.
  public var count: Int { Int(requestCount.relaxed) }

  /// Why nothing counts as durable any more; nil while all is well.
  public var failure: StorageError? { final.withLock { $0.failure } }

  /// Has somebody told at once, on the thread that finds out, when nothing counts as durable any more; also where that
  /// has happened already. One at a time.
  public func whenFinal(_ observer: @escaping @Sendable (StorageError) -> Void) {
    let failure = final.withLock { final in
      final.observer = observer
      return final.failure
    }
    if let failure { observer(failure) }
  }

  // MARK: Requests

  /// Remembers a file that has been written; once, however often it is asked. Called by completions: it allocates
  /// nothing and waits for nobody.
  func add(_ file: SegmentFile) { if mark(file) { push(file) } }

  /// The first half of ``add(_:)``: whoever writes to the file from now on takes it for remembered, and no round begins
  /// before the second half has been done.
  /// - Returns: whether it is to be done, with ``push(_:)``.
  func mark(_ file: SegmentFile) -> Bool {
    underway.add(1, ordering: .sequentiallyConsistent)
    if !file.isSyncRequested.exchange(true, ordering: .sequentiallyConsistent) { return true }
    underway.subtract(1, ordering: .releasing)
    return false
  }

  /// Puts a file on the list that was marked.
  func push(_ file: SegmentFile) {
    requestCount.sharedAdd(1)
    let entry = UnsafeRawPointer(Unmanaged.passRetained(file).toOpaque())
    var seen = newest.load(ordering: .relaxed)
    while true {
      file.nextRequested = seen.map { Unmanaged.fromOpaque($0) }
      let (exchanged, now) = newest.weakCompareExchange(expected: seen, desired: entry, ordering: .releasing)
      if exchanged { break }
      seen = now
    }
    underway.subtract(1, ordering: .releasing)
  }

  /// Remembers a directory in which a file was made or removed.
  func addDirectory(_ path: String) { names.withLock { _ = $0.directories.insert(path) } }

  /// Remembers a file that is to be removed after the next checkpoint that has not begun yet: until then its name keeps
  /// another relation from getting its number, which recovery would take for it.
  func addUnlink(_ path: String) {
    names.withLock { $0.unlinks.append((path, $0.cycle)) }
  }

  /// All files on the list, which is empty then. Waits for requests under way: others may have been told that their
  /// file is remembered, and rely on it.
  private func take() -> [SegmentFile] {
    while underway.load(ordering: .sequentiallyConsistent) > 0 { sched_yield() }
    var next = newest.exchange(nil, ordering: .acquiring)
    var taken: [SegmentFile] = []
    while let entry = next {
      let file = Unmanaged<SegmentFile>.fromOpaque(entry).takeRetainedValue()
      next = file.nextRequested.map { UnsafeRawPointer($0.toOpaque()) }
      taken.append(file)
    }
    _ = requestCount.wrappingSubtract(UInt64(taken.count), ordering: .relaxed)
    return taken
  }

  // MARK: A checkpoint's steps

  /// Files that are to be removed after a checkpoint, and have been asked for by now, go after this one
  /// (SyncPreCheckpoint).
  public func beginCheckpoint() { names.withLock { $0.cycle += 1 } }

  /// Makes everything durable that was written before this was called: syncs all files together, as many at a time as
  /// the backend has handles, then the directories. Files of forks that have been forgotten are skipped
  /// (ProcessSyncRequests).
  /// - Throws: ``StorageError`` `.syncFailed`; by ``SyncPolicy/failureIsFinal`` the same from then on.
  public func syncAll(_ backend: IOBackend) throws(StorageError) -> SyncReport {
    if let failure { throw failure }
    let taken = take()
    var report = SyncReport()
    // Before its sync begins: what is written from now on asks again.
    for file in taken { _ = file.isSyncRequested.exchange(false, ordering: .sequentiallyConsistent) }
    guard policy != .nothingIsSynced else {
      names.withLock { $0.directories = [] }
      return report
    }
    let failures = sync(taken.filter { !$0.life.isOver }, backend, &report)
    if policy == .failureIsRetried { for failure in failures { failure.file.requestSync() } }
    if let first = failures.first { throw note(first.error) }
    try syncDirectories(&report)
    return report
  }

  /// Removes what was asked to be removed before the checkpoint began (SyncPostCheckpoint). What cannot be removed is
  /// logged and stays.
  public func endCheckpoint() {
    let due = names.withLock { names -> [String] in
      let due = names.unlinks.prefix { $0.cycle < names.cycle }.map(\.path)
      names.unlinks.removeFirst(due.count)
      return due
    }
    for path in due { files.removeFile(path, requests: self) }
  }

  private func syncDirectories(_ report: inout SyncReport) throws(StorageError) {
    let directories = names.withLock { names in
      defer { names.directories = [] }
      return names.directories.sorted()
    }
    for directory in directories {
      do throws(IOError) {
        try files.fileSystem.syncDirectory(directory)
        report.directories += 1
      } catch {
        // A database that was dropped takes its directory with it.
        if error.errno == ENOENT { continue }
        if policy == .failureIsRetried { names.withLock { $0.directories.formUnion(directories) } }
        throw note(error)
      }
    }
  }

  /// The error to throw, and to throw again where it is final.
  private func note(_ error: IOError) -> StorageError {
    let failure = StorageError.syncFailed(error, isFinal: policy == .failureIsFinal)
    guard policy == .failureIsFinal else { return failure }
    let observer = final.withLock { final in
      defer { if final.failure == nil { final.failure = failure } }
      return final.failure == nil ? final.observer : nil
    }
    observer?(failure)
    return failure
  }

  /// What to make of a failure to have the kernel write out what was written to its cache: it may have found what will
  /// never be durable, and a later sync need not say so again (`data_sync_elevel` in pg_flush_data, fd.c).
  /// - Returns: the error to throw; nil where it is only worth a warning, which has been logged.
  func noteFlushFailure(_ number: Int32, path: String) -> StorageError? {
    let error = IOError(.systemCall, errno: number, message: "could not flush dirty data of file \"\(path)\"")
    // A kernel that cannot do it loses nothing by that.
    guard policy == .failureIsFinal, number != ENOSYS else {
      files.engine.logWarning("\(error)")
      return nil
    }
    return note(error)
  }

  // MARK: Syncing

  /// Makes files and their names durable, for somebody who does not want to wait for a checkpoint.
  func syncNow(_ wanted: [SegmentFile], directory: String, _ backend: IOBackend) throws(StorageError) {
    if let failure { throw failure }
    guard policy != .nothingIsSynced else { return }
    var report = SyncReport()
    if let first = sync(wanted, backend, &report).first { throw note(first.error) }
    do throws(IOError) { try files.fileSystem.syncDirectory(directory) } catch { throw note(error) }
  }

  private func sync(
    _ wanted: [SegmentFile], _ backend: IOBackend, _ report: inout SyncReport
  ) -> [(file: SegmentFile, error: IOError)] {
    let timing = backend.engine.register(SyncTiming.shared)
    let records = UnsafeMutablePointer<SyncRecord>.allocate(capacity: wanted.count)
    records.initialize(repeating: SyncRecord(), count: wanted.count)
    defer { records.deallocate() }
    var failures: [(file: SegmentFile, error: IOError)] = []
    let start = monotonicNanoseconds()
    do {
      let batch = backend.batch()
      for (index, file) in wanted.enumerated() {
        do throws(IOError) {
          try files.use(file)
        } catch {
          (records + index).pointee.outcome = IOOutcome(.ok, result: 0)
          // It went while we came to it; that no file of it is left is as it should be.
          if !file.life.isOver { failures.append((file, error)) }
          continue
        }
        let handle = backend.acquire()
        handle.setUse(.relation)
        (records + index).pointee.start = monotonicNanoseconds()
        handle.setContext(records + index)
        handle.add(timing)
        handle.returns(to: SyncRecord.outcome(of: records + index))
        _ = handle.start(.fdatasync, file)
        file.endUse()
      }
      batch.submit()
    }
    for (index, file) in wanted.enumerated() {
      while records[index].outcome.status == .unknown { backend.reap(atLeast: 1) }
      let record = records[index]
      if record.outcome.status == .failed {
        let error = IOError(
          .systemCall, errno: Int32(bitPattern: record.outcome.detail), message: "could not fsync file \"\(file.name)\""
        )
        failures.append((file, error))
      }
      guard record.start > 0 else { continue }
      report.files += 1
      report.longest = max(report.longest, record.end - record.start)
      report.total += record.end - record.start
    }
    report.elapsed = monotonicNanoseconds() - start
    return failures
  }
}

/// One sync in flight.
private struct SyncRecord {
  var outcome = IOOutcome.unknown
  /// Nanoseconds of the monotonic clock; 0 where it was not begun.
  var start: UInt64 = 0
  var end: UInt64 = 0

  /// Where its outcome is: its first field.
  static func outcome(of record: UnsafeMutablePointer<SyncRecord>) -> UnsafeMutablePointer<IOOutcome> {
    UnsafeMutableRawPointer(record).assumingMemoryBound(to: IOOutcome.self)
  }
}

/// Notes when a sync has ended, on whichever thread that is.
private final class SyncTiming: IOCompletion, @unchecked Sendable {
  // Safe because it has no state.

  static let shared = SyncTiming()

  override func complete(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    if let record = io.context {
      UnsafeMutableRawPointer(mutating: record).assumingMemoryBound(to: SyncRecord.self).pointee.end =
        monotonicNanoseconds()
    }
    return outcome
  }
}
