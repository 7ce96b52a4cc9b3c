import Glibc
import MillraceIO

/// One thread's part in a verification.
final class VerificationJob {
  private let verifier: ClusterVerifier
  private let pool: BufferPool
  private let ring: BufferStrategy
  private let backend: IOBackend
  private let checksums: Bool
  /// For reading a page by itself.
  private let single: IOMemory

  /// Pages between two looks at whether to stop, and at the limit of the rate.
  private static let stride = 64

  init(_ verifier: ClusterVerifier, number: Int) throws {
    self.verifier = verifier
    checksums = verifier.directory.controlFile.checksumsEnabled
    // Without the kernel's read-ahead, room for many reads in flight. With it, for few: what has been copied from the
    // page cache is verified while it is still in the processor's own.
    let options = verifier.options
    let ringBuffers = (options.isDirect ? options.ioConcurrency + 1 : 3) * options.combineLimit
    pool = try BufferPool(engine: verifier.engine, count: max(ringBuffers * 8, 16), checksums: checksums)
    ring = BufferStrategy(.bulkRead, count: ringBuffers, pool: pool)
    backend = try verifier.engine.makeBackend("verify \(number)", exclusive: true)
    single = try IOMemory(byteCount: PageLayout.blockSize, hugePages: .off)
  }

  /// Waits for all I/O of this job.
  func finish() -> IOBackendStatistics {
    let statistics = backend.statistics
    backend.close()
    return statistics
  }

  func verify(_ piece: VerificationPlan.Piece, shouldStop: () -> Bool) throws {
    let fork = verifier.storage.open(piece.fork.locator, piece.fork.fork, backend: piece.fork.backend)
    var configuration = ReadStreamConfiguration()
    configuration.ioConcurrency = verifier.options.ioConcurrency
    configuration.combineLimit = verifier.options.combineLimit
    configuration.flags = .unverified
    configuration.startsFull = true
    // Without the kernel's read-ahead only looking far ahead keeps a device busy; with it, and where all is cached,
    // near is better.
    let stream = ReadStream(
      pool, backend, fork, BlockRange(piece.blocks, isCertain: verifier.options.isDirect),
      strategy: ring, configuration: configuration)
    var seen = 0
    var isOver = false
    while !isOver {
      do throws(StorageError) {
        guard let first = try stream.next() else { break }
        seen += 1
        // Two at a time, where there are two: their checksums are computed together.
        var failure: StorageError?
        var second: PinnedBuffer?
        do throws(StorageError) {
          second = try stream.next()
          isOver = second == nil
        } catch {
          failure = error
        }
        seen += second == nil ? 0 : 1
        verify(first, second, piece, fork)
        if let failure { throw failure }
      } catch {
        guard try readSingly(error, piece, fork) else { break }
        seen += error.blocks.count
      }
      if seen >= Self.stride {
        verifier.note(pages: seen)
        verifier.limiter?.pay(for: seen * PageLayout.blockSize, shouldStop: shouldStop)
        seen = 0
        if shouldStop() { break }
      }
    }
    verifier.note(pages: seen)
  }

  /// Verifies one page or two.
  @inline(__always) private func verify(
    _ first: borrowing PinnedBuffer, _ second: consuming PinnedBuffer?, _ piece: VerificationPlan.Piece,
    _ fork: StoredFork
  ) {
    let (page, block) = (first.bytes, first.block)
    guard let second = consume second else {
      if !isSound(page, block) { examine(page, block, piece, fork) }
      return
    }
    let (otherPage, otherBlock) = (second.bytes, second.block)
    let computed = checksums ? PageChecksum.compute((page, block), (otherPage, otherBlock)) : nil
    if !isSound(page, block, computed?.first) { examine(page, block, piece, fork) }
    if !isSound(otherPage, otherBlock, computed?.second) { examine(otherPage, otherBlock, piece, fork) }
  }

  /// All that a page must be: PostgreSQL's own check, and the layout, which is all that a cluster without checksums
  /// offers beyond it.
  @inline(__always) private func isSound(
    _ page: UnsafeRawPointer, _ block: BlockNumber, _ computed: UInt16? = nil
  ) -> Bool {
    let verdict = PageVerifier.isVerified(page, block: block, checksumsEnabled: checksums, computed: computed)
    return verdict.isValid && (verdict.contains(.allZero) || PageHeader(page).hasExpectedLayout)
  }

  /// Says what is wrong with a page; online, only if it stays wrong.
  private func examine(
    _ page: UnsafeRawPointer, _ block: BlockNumber, _ piece: VerificationPlan.Piece, _ fork: StoredFork
  ) {
    var page = page
    if verifier.options.isOnline {
      // A server may have been in the middle of writing it: a page is written in well under a millisecond, yet a busy
      // machine can stop the writer for long.
      for pause: UInt32 in [0, 1_000, 10_000, 50_000, 200_000] {
        usleep(pause)
        guard case .read = readAlone(block, fork) else { return }
        page = UnsafeRawPointer(single.baseAddress)
        if isSound(page, block) {
          verifier.noteReread()
          return
        }
      }
    }
    let diagnosis = PageDiagnosis(
      page, block: block, checksumsEnabled: checksums, forkBlockCount: piece.fork.blockCount)
    report(.page(diagnosis), block, piece)
  }

  private func report(_ finding: Damage.Finding, _ block: BlockNumber, _ piece: VerificationPlan.Piece) {
    verifier.note(
      Damage(
        path: piece.fork.path(ofSegment: piece.segment.number), fork: piece.fork.fork, segment: piece.segment.number,
        block: block, finding: finding))
  }

  /// Finds out which blocks of a read that failed are at fault, and verifies the others.
  /// - Returns: false where the file has gone, or ended, under a running server.
  private func readSingly(
    _ error: StorageError, _ piece: VerificationPlan.Piece, _ fork: StoredFork
  ) throws -> Bool {
    guard case .io(let cause) = error.code, !error.blocks.isEmpty else { throw error }
    if verifier.options.isOnline, cause.errno == ENOENT { return false }
    // What keeps the file from being opened is not one page's fault.
    if cause.errno == EMFILE || cause.errno == ENFILE || cause.code == .directIOUnavailable { throw cause }
    for number in error.blocks {
      let block = BlockNumber(number)
      switch readAlone(block, fork) {
      case .read:
        let page = UnsafeRawPointer(single.baseAddress)
        if !isSound(page, block) { examine(page, block, piece, fork) }
      case .ended where verifier.options.isOnline:
        return false
      case .ended:
        report(.unreadable("the file ends before it"), block, piece)
      case .failed(let error):
        report(.unreadable(error.errno == 0 ? error.description : IOError.text(of: error.errno)), block, piece)
      }
    }
    return true
  }

  private enum SingleRead {
    case read
    case ended
    case failed(IOError)
  }

  /// Reads one page into `single`.
  private func readAlone(_ block: BlockNumber, _ fork: StoredFork) -> SingleRead {
    let offset = Int64(block.rawValue % fork.blocksPerSegment) * Int64(PageLayout.blockSize)
    do throws(IOError) {
      let bytes = try fork.withSegment(Int(block.rawValue / fork.blocksPerSegment)) { file throws(IOError) in
        try backend.read(file, at: offset, single.bytes)
      }
      return bytes == PageLayout.blockSize ? .read : .ended
    } catch {
      return .failed(error)
    }
  }
}
