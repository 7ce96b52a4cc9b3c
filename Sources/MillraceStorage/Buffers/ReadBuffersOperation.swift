import Glibc
import MillraceIO

/// How pages are to be read.
public struct ReadBuffersFlags: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// A page that does not verify is filled with zeros, with a warning.
  public static let zeroOnError = ReadBuffersFlags(rawValue: 1 << 0)
  /// A page whose checksum is wrong and whose header makes sense is taken, with a warning.
  public static let ignoreChecksumFailures = ReadBuffersFlags(rawValue: 1 << 1)
  /// The caller waits at once: plain system calls.
  public static let synchronously = ReadBuffersFlags(rawValue: 1 << 2)
  /// Pages are taken as they are; the caller verifies them.
  public static let unverified = ReadBuffersFlags(rawValue: 1 << 3)

  var verification: PageVerification {
    if contains(.unverified) { return .none }
    var verification: PageVerification = []
    if contains(.zeroOnError) { verification.insert(.zeroOnError) }
    if contains(.ignoreChecksumFailures) { verification.insert(.ignoreChecksums) }
    return verification
  }
}

/// The read of some neighbouring blocks, from `BufferReader.start` to `BufferReader.wait` (PostgreSQL's
/// ReadBuffersOperation). Lives in memory that does not move, because the engine writes the outcome here.
struct ReadBuffersOperation {
  /// Where the engine puts the outcome of this operation's own I/O.
  var outcome = IOOutcome.unknown
  /// The I/O to wait for; `.none` where there is none.
  var reference = IOReference.none
  /// The reference is another operation's: its failure is not ours to report.
  var isForeign = false
  /// The first block, and how many. All their buffers are pinned.
  var block: UInt32 = 0
  var count: Int = 0
  /// How many of them are known to be valid.
  var done: Int = 0
  /// How many blocks its last own I/O was for.
  var issued: Int = 0
  /// The buffers of this operation.
  var buffers: UnsafeMutablePointer<BufferID>?

  /// The blocks that are not known to be valid.
  var missing: Range<UInt32> { block + UInt32(done)..<block + UInt32(count) }

  /// Makes the operation one of the missing blocks alone.
  mutating func dropDone() {
    buffers = buffers.map { $0 + done }
    block += UInt32(done)
    count -= done
    done = 0
  }
}

/// Reads blocks of one fork into a pool on one backend: pins what is there, joins I/O that others have under way,
/// combines the rest into few reads (PostgreSQL's StartReadBuffers and WaitReadBuffers,
/// src/backend/storage/buffer/bufmgr.c).
final class BufferReader {
  let pool: BufferPool
  /// The pool, as completions get it.
  private let context: UnsafeRawPointer
  let backend: IOBackend
  let fork: StoredFork
  let strategy: BufferStrategy?
  let hits: HitCounters
  let flags: ReadBuffersFlags
  /// Blocks of one I/O at most.
  let combineLimit: Int
  /// Called with a sentence for each read that had to zero or ignore something.
  let onWarning: (String) -> Void

  init(
    pool: BufferPool, backend: IOBackend, fork: StoredFork, strategy: BufferStrategy?, flags: ReadBuffersFlags,
    combineLimit: Int, onWarning: @escaping (String) -> Void
  ) {
    (self.pool, self.backend, self.fork, self.strategy, self.flags) = (pool, backend, fork, strategy, flags)
    hits = HitCounters(pool, fork, strategy, backend)
    context = UnsafeRawPointer(Unmanaged.passUnretained(pool).toOpaque())
    self.combineLimit = max(1, min(combineLimit, backend.engine.configuration.vectorsPerHandle))
    self.onWarning = onWarning
    pool.forks.add(fork)
  }

  /// Pins blocks and starts a read of those that are not there.
  ///
  /// `buffers` may hold, from its start on, buffers that an earlier call pinned and left over; they are taken as they
  /// are. What is pinned behind the operation's end stays in `buffers` for the next call.
  ///
  /// - Parameters:
  ///   - operation: is set up; must not move until it has been waited for.
  ///   - buffers: of `count` entries, `.noBuffer` where nothing is pinned.
  ///   - count: how many blocks are wanted; set to how many the operation covers, at least one.
  ///   - advises: whether the system is only told what will be read; it is read in ``wait(_:)``, where I/O that is
  ///     started is executed in place.
  /// - Returns: whether ``wait(_:)`` must be called before the pages are used.
  @inline(__always) func start(
    _ operation: UnsafeMutablePointer<ReadBuffersOperation>, block: UInt32,
    buffers: UnsafeMutablePointer<BufferID>, count: inout Int, synchronously: Bool = false, advises: Bool = false
  ) throws(StorageError) -> Bool {
    // Not across the end of a segment.
    let wanted = min(count, Int(fork.blocksPerSegment - block % fork.blocksPerSegment), combineLimit)
    var covered = 0
    while covered < wanted {
      if buffers[covered] == .noBuffer {
        do throws(StorageError) {
          buffers[covered] = try pool.pinOrAllocate(
            BufferTag(fork.id, block + UInt32(covered)), strategy: strategy, backend: backend)
        } catch {
          if covered == 0 { throw error }
          break
        }
      }
      if pool.state(buffers[covered]).has(BufferState.valid) {
        if covered == 0 {
          // A hit by itself needs no operation.
          count = 1
          hits.count()
          operation.pointee.count = 1
          operation.pointee.done = 1
          return false
        }
        // A later hit ends the run; its pin waits for the next call.
        break
      }
      covered += 1
    }
    operation.pointee = ReadBuffersOperation()
    operation.pointee.block = block
    operation.pointee.count = covered
    operation.pointee.buffers = buffers
    if advises {
      try advise(block, covered)
      count = covered
      return true
    }
    let needsWait = try issue(operation, synchronously: synchronously, mayShrink: true)
    count = operation.pointee.count
    return needsWait
  }

  /// Tells the system what will be read (`posix_fadvise`).
  @inline(never) private func advise(_ block: UInt32, _ count: Int) throws(StorageError) {
    let offset = Int64(block % fork.blocksPerSegment) * Int64(PageLayout.blockSize)
    do throws(IOError) {
      try fork.withSegment(Int(block / fork.blocksPerSegment)) { file throws(IOError) in
        file.willRead(at: offset, length: Int64(count * PageLayout.blockSize))
      }
    } catch {
      throw .io(fork.openFailure(error, block: block), blocks: block..<block + UInt32(count))
    }
  }

  /// Starts the I/O for what an operation still lacks.
  /// - Parameter mayShrink: whether the operation may become shorter, to end where the I/O does.
  /// - Returns: whether there is something to wait for.
  private func issue(
    _ operation: UnsafeMutablePointer<ReadBuffersOperation>, synchronously: Bool, mayShrink: Bool
  ) throws(StorageError) -> Bool {
    guard let all = operation.pointee.buffers else { fatalError("invariant broken: a read without buffers") }
    let first = operation.pointee.done
    let buffers = all + first
    let block = operation.pointee.block + UInt32(first)
    let wanted = operation.pointee.count - first
    operation.pointee.outcome = .unknown
    operation.pointee.isForeign = false
    operation.pointee.reference = .none

    let segment = Int(block / fork.blocksPerSegment)
    do throws(IOError) {
      return try fork.withSegment(segment) { file throws(IOError) in
        // The handle first: others wait while a buffer is marked and its I/O not started.
        let handle = backend.acquire()
        switch claim(buffers[0], operation) {
        case .alreadyDone:
          operation.pointee.done += 1
          hits.count()
          if mayShrink { operation.pointee.count = operation.pointee.done }
          return false
        case .inProgress(let reference):
          operation.pointee.reference = reference
          operation.pointee.isForeign = true
          if mayShrink { operation.pointee.count = operation.pointee.done + 1 }
          return true
        case .ready:
          break
        }
        var claimed = 1
        while claimed < wanted, pool.startIO(buffers[claimed]) == .ready { claimed += 1 }
        if mayShrink { operation.pointee.count = first + claimed }
        operation.pointee.issued = claimed
        pool.usage(of: backend).pointee.reads &+= UInt64(claimed)
        fork.usage.countReads(claimed, backend)
        let offset = Int64(block % fork.blocksPerSegment) * Int64(PageLayout.blockSize)
        operation.pointee.reference = read(
          handle, file, offset, buffers, claimed, operation, synchronously: synchronously)
        return true
      }
    } catch {
      throw .io(fork.openFailure(error, block: block), blocks: operation.pointee.missing)
    }
  }

  /// The right to read into an operation's first buffer. Waits where another has it without a reference to wait for.
  private func claim(
    _ buffer: BufferID, _ operation: UnsafeMutablePointer<ReadBuffersOperation>
  ) -> BufferPool.StartIOResult {
    while true {
      let result = pool.startIO(buffer)
      guard case .inProgress(let reference) = result, reference.isNone else { return result }
      backend.submit()
      pool.waitForIO(buffer, backend: backend)
    }
  }

  private func read(
    _ handle: consuming IOHandle, _ file: SegmentFile, _ offset: Int64, _ buffers: UnsafeMutablePointer<BufferID>,
    _ count: Int, _ operation: UnsafeMutablePointer<ReadBuffersOperation>, synchronously: Bool
  ) -> IOReference {
    let (vectors, data) = (handle.vectors, handle.data)
    var vectorCount = 0
    for position in 0..<count {
      let page = pool.page(buffers[position])
      data[position] = buffers[position]
      // Neighbours in memory are one piece: fewer for the kernel to map, and a plain read where all are one.
      if vectorCount > 0, vectors[vectorCount - 1].base.map({ $0 + vectors[vectorCount - 1].byteCount }) == page {
        vectors[vectorCount - 1].byteCount += PageLayout.blockSize
      } else {
        vectors[vectorCount] = IOVector(base: page, byteCount: PageLayout.blockSize)
        vectorCount += 1
      }
    }
    handle.setContext(context)
    handle.add(pool.readCompletion, datum: flags.verification.rawValue)
    handle.add(pool.segmentCompletion)
    handle.setUse(strategy?.use ?? pool.use)
    handle.returns(
      to: UnsafeMutableRawPointer(operation).assumingMemoryBound(to: IOOutcome.self))
    pool.counters.reads.sharedIncrement()
    var ioFlags: IOFlags = synchronously || flags.contains(.synchronously) ? .synchronous : []
    if pool.scope == .local { ioFlags.insert(.referencesLocal) }
    return handle.start(.readv, file, at: offset, vectorCount: vectorCount, dataCount: count, flags: ioFlags)
  }

  /// Waits until all pages of an operation are valid, reading again what is still missing: after a partial read, and
  /// where another's I/O failed, so that its error is never ours.
  /// - Returns: whether it had to wait.
  /// - Throws: ``StorageError`` for an I/O of its own that failed. The buffers stay pinned.
  @inline(__always) func wait(_ operation: UnsafeMutablePointer<ReadBuffersOperation>) throws(StorageError) -> Bool {
    var waited = false
    while true {
      let reference = operation.pointee.reference
      if !reference.isNone {
        if operation.pointee.isForeign || operation.pointee.outcome.status == .unknown {
          if backend.wait(for: reference) { waited = true }
        }
        operation.pointee.reference = .none
        try absorb(operation)
      }
      if operation.pointee.done == operation.pointee.count { return waited }
      waited = true
      _ = try issue(operation, synchronously: true, mayShrink: false)
    }
  }

  /// Waits until an operation's I/O, whatever came of it, no longer needs the operation.
  func settle(_ operation: UnsafeMutablePointer<ReadBuffersOperation>) {
    let reference = operation.pointee.reference
    operation.pointee.reference = .none
    if !reference.isNone { backend.wait(for: reference) }
  }

  /// Counts what an I/O brought. - Throws: its error, if it is this operation's own.
  private func absorb(_ operation: UnsafeMutablePointer<ReadBuffersOperation>) throws(StorageError) {
    guard let buffers = operation.pointee.buffers else { return }
    if operation.pointee.isForeign {
      if pool.state(buffers[operation.pointee.done]).has(BufferState.valid) {
        operation.pointee.done += 1
        hits.count()
      }
      return
    }
    let outcome = operation.pointee.outcome
    switch outcome.status {
    case .ok, .partial:
      operation.pointee.done += Int(outcome.result)
    case .warning:
      onWarning(report(operation, outcome).warning.description)
      operation.pointee.done += Int(outcome.result)
    case .failed:
      throw failure(operation, outcome)
    case .unknown:
      fatalError("invariant broken: a read was waited for and has no outcome")
    }
  }

  /// The blocks of an operation's last own I/O.
  private func issued(_ operation: UnsafeMutablePointer<ReadBuffersOperation>) -> Range<UInt32> {
    let first = operation.pointee.missing.lowerBound
    return first..<first + UInt32(operation.pointee.issued)
  }

  private func report(_ operation: UnsafeMutablePointer<ReadBuffersOperation>, _ outcome: IOOutcome) -> PageReport {
    PageReport(
      detail: PageVerificationDetail(rawValue: outcome.detail), path: fork.path, blocks: issued(operation))
  }

  private func failure(
    _ operation: UnsafeMutablePointer<ReadBuffersOperation>, _ outcome: IOOutcome
  ) -> StorageError {
    let missing = operation.pointee.missing
    if outcome.decidedBy == pool.readCompletion { return report(operation, outcome).error(missing: missing) }
    let blocks = issued(operation)
    let request = IORequest(
      .readv, path: fork.path, offset: Int64(blocks.lowerBound) * Int64(PageLayout.blockSize),
      length: blocks.count * PageLayout.blockSize, blockSize: PageLayout.blockSize)
    let error =
      outcome.decidedBy == pool.segmentCompletion
      ? request.shortTransfer(transferred: 0) : request.failure(errno: Int32(bitPattern: outcome.detail))
    return .io(error, blocks: missing)
  }
}
