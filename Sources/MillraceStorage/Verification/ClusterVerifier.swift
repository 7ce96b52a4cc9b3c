public import MillraceIO
import Synchronization

/// How a cluster is verified.
public struct VerificationOptions: Sendable {
  /// Threads, each with a backend, a small pool and a stream of its own.
  public var jobs = 2
  /// Bytes per second that all jobs together may read; nil for no limit.
  public var rate: Int?
  /// A server may be writing: a page that fails is read again before it is reported, and files may go.
  public var isOnline = false
  /// Whether files bypass the page cache.
  public var isDirect = false
  /// I/Os in flight of each job.
  public var ioConcurrency = 16
  /// Blocks of one I/O.
  public var combineLimit = 16
  /// Called from all jobs with how many bytes more have been verified, some hundred kilobytes at a time.
  public var onProgress: @Sendable (Int) -> Void = { _ in }

  public init() {}
}

/// What a verification came to.
public struct VerificationResult: Sendable {
  public internal(set) var pages = 0
  public internal(set) var bytes = 0
  public internal(set) var files = 0
  /// In the order of files and blocks.
  public internal(set) var damages: [Damage] = []
  /// Pages that failed and verified when they were read again (online).
  public internal(set) var reread = 0
  /// I/Os that were issued, and attempts beyond the first.
  public internal(set) var reads: UInt64 = 0
  public internal(set) var retries: UInt64 = 0
}

/// Reads every page of a cluster's relations through read streams and says which are damaged. Writes nothing.
///
/// Pages are verified by the jobs and not in the completions of their reads, because the report needs all that is wrong
/// with a page and not only whether it may be used.
public final class ClusterVerifier: Sendable {
  /// Bytes to read.
  public let byteCount: Int
  public let fileCount: Int

  let directory: DataDirectory
  let engine: IOEngine
  let storage: StorageManager
  let options: VerificationOptions
  let plan: VerificationPlan
  let limiter: RateLimiter?
  let nextPiece = Atomic<Int>(0)
  private let bytes = Atomic<Int>(0)
  private let damageCount = Atomic<Int>(0)
  private let collected: Mutex<Collected>

  private struct Collected {
    var result = VerificationResult()
    var failure: (any Error)?
  }

  /// - Parameters:
  ///   - listing: the files to verify; what is wrong with the files themselves is part of the result.
  ///   - engine: with a place for a backend for each job.
  public init(
    _ directory: DataDirectory, _ listing: RelationListing, engine: IOEngine, options: VerificationOptions
  ) {
    (self.directory, self.engine, self.options) = (directory, engine, options)
    plan = VerificationPlan(listing)
    (byteCount, fileCount) = (plan.byteCount, plan.fileCount)
    storage = StorageManager(
      engine: engine, directory: directory.path, versionDirectory: directory.versionDirectory,
      blocksPerSegment: directory.controlFile.segmentBlocks, isDirect: options.isDirect, filesMax: 200)
    limiter = options.rate.map { RateLimiter(bytesPerSecond: $0) }
    var collected = Collected()
    collected.result.files = plan.fileCount
    collected.result.damages = listing.anomalies.map { Self.damage($0, in: listing) }
    damageCount.store(collected.result.damages.count, ordering: .relaxed)
    self.collected = Mutex(collected)
  }

  /// Bytes verified so far, from any thread.
  public var bytesDone: Int { bytes.load(ordering: .relaxed) }
  /// Damages found so far, from any thread.
  public var damagesFound: Int { damageCount.load(ordering: .relaxed) }

  /// Verifies everything. Once.
  /// - Parameter shouldStop: asked often, from all jobs; when it says so the result is what has been found until then.
  /// - Throws: ``IOError`` or ``StorageError`` when the engine itself cannot go on; a page that cannot be read is a
  ///   result.
  public func run(shouldStop: @escaping @Sendable () -> Bool = { false }) throws -> VerificationResult {
    var threads: [NamedThread] = []
    for number in 1..<max(options.jobs, 1) {
      threads.append(try NamedThread("verify \(number)") { [self] in runJob(number, shouldStop) })
    }
    runJob(0, shouldStop)
    for thread in threads { thread.join() }
    return try collected.withLock { collected in
      if let failure = collected.failure { throw failure }
      var result = collected.result
      result.damages.sort()
      return result
    }
  }

  private func runJob(_ number: Int, _ shouldStop: @escaping @Sendable () -> Bool) {
    do {
      let job = try VerificationJob(self, number: number)
      while !shouldStop(), hasNotFailed, let piece = takePiece() { try job.verify(piece, shouldStop: shouldStop) }
      let statistics = job.finish()
      collected.withLock { collected in
        collected.result.reads += statistics.issuedTotal
        collected.result.retries += statistics.retryTotal
      }
    } catch {
      collected.withLock { if $0.failure == nil { $0.failure = error } }
    }
  }

  private var hasNotFailed: Bool { collected.withLock { $0.failure == nil } }

  private func takePiece() -> VerificationPlan.Piece? {
    let number = nextPiece.wrappingAdd(1, ordering: .relaxed).oldValue
    return number < plan.pieces.count ? plan.pieces[number] : nil
  }

  /// Counts pages that have been looked at.
  func note(pages: Int) {
    bytes.wrappingAdd(pages * PageLayout.blockSize, ordering: .relaxed)
    options.onProgress(pages * PageLayout.blockSize)
    collected.withLock { collected in
      collected.result.pages += pages
      collected.result.bytes += pages * PageLayout.blockSize
    }
  }

  func note(_ damage: Damage) {
    damageCount.wrappingAdd(1, ordering: .relaxed)
    collected.withLock { $0.result.damages.append(damage) }
  }

  func noteReread() { collected.withLock { $0.result.reread += 1 } }

  private static func damage(_ anomaly: ClusterAnomaly, in listing: RelationListing) -> Damage {
    for fork in listing.forks {
      for segment in fork.segments where fork.path(ofSegment: segment.number) == anomaly.path {
        var block: BlockNumber?
        if case .partialPage(_, let partial, _) = anomaly { block = partial }
        return Damage(
          path: anomaly.path, fork: fork.fork, segment: segment.number, block: block, finding: .file(anomaly))
      }
    }
    return Damage(path: anomaly.path, fork: nil, segment: nil, block: nil, finding: .file(anomaly))
  }
}
