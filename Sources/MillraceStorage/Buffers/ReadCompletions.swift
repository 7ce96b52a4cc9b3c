import MillraceIO
import Synchronization

/// The file's part in the completion of a read: bytes become whole blocks (PostgreSQL's md_readv_complete). A fraction
/// of a block counts for nothing.
final class SegmentReadCompletion: IOCompletion, @unchecked Sendable {
  // Safe because it has no state.

  static let shared = SegmentReadCompletion()

  override func complete(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    guard outcome.status != .failed else { return outcome }
    let blocks = outcome.result / Int32(PageLayout.blockSize)
    if blocks == 0 { return IOOutcome(.failed, result: 0, decidedBy: io.id) }
    return IOOutcome(Int(blocks) * PageLayout.blockSize == io.length ? .ok : .partial, result: blocks, decidedBy: io.id)
  }
}

/// What the issuer wants done with pages that do not verify; travels with the I/O, because whoever completes it has
/// wishes of its own.
struct PageVerification: OptionSet {
  let rawValue: UInt8
  /// Fill a bad page with zeros and go on (`zero_damaged_pages`).
  static let zeroOnError = PageVerification(rawValue: 1 << 0)
  /// Take a page whose checksum is wrong (`ignore_checksum_failure`).
  static let ignoreChecksums = PageVerification(rawValue: 1 << 1)
  /// Take whatever is there; the caller looks at it itself.
  static let none = PageVerification(rawValue: 1 << 2)
}

/// What was wrong with the pages of one read, in the 24 bits of an outcome's detail.
struct PageVerificationDetail: Equatable {
  /// Bad pages: zeroed, if `isZeroed`, else not usable.
  var badCount: UInt32 = 0
  /// Pages taken in spite of their checksum.
  var ignoredCount: UInt32 = 0
  /// Of the first bad page, or the first ignored one.
  var firstOffset: UInt32 = 0
  var isZeroed = false

  init() {}

  /// Eight bits each, because 128 blocks can be read at once.
  init(rawValue: UInt32) {
    badCount = rawValue & 0xFF
    ignoredCount = rawValue >> 8 & 0xFF
    firstOffset = rawValue >> 16 & 0x7F
    isZeroed = rawValue >> 23 & 1 == 1
  }

  var rawValue: UInt32 { badCount | ignoredCount << 8 | firstOffset << 16 | (isZeroed ? 1 << 23 : 0) }
}

/// The buffers' part in the completion of a read: verifies the pages and lets go of the buffers (PostgreSQL's
/// buffer_readv_complete). Runs on whichever thread reaps.
final class BufferReadCompletion: IOCompletion, @unchecked Sendable {
  // Safe because it has no state, and only touches buffers that the I/O has the right to.

  /// One serves all pools; which one, the I/O's context says.
  static let shared = BufferReadCompletion()

  /// Gives the I/O its own pin on each buffer, so that its issuer may go away, and lets others wait for it.
  override func stage(_ io: borrowing CompletionContext) {
    let reference = io.reference.rawValue
    let descriptors = BufferPool.with(io) { $0.descriptors }
    for buffer in io.data {
      let descriptor = descriptors + Int(buffer)
      descriptor.pointee.ioReference.store(reference, ordering: .releasing)
      let before = BufferState(
        rawValue: descriptor.pointee.state.wrappingAdd(BufferState.onePin, ordering: .acquiringAndReleasing).oldValue)
      if before.has(BufferState.sleepers) { BufferPool.wakeSleepers(descriptor) }
    }
  }

  override func complete(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    BufferPool.with(io) { pool in complete(io, outcome, pool) }
  }

  private func complete(
    _ io: borrowing CompletionContext, _ outcome: IOOutcome, _ pool: BufferPool
  ) -> IOOutcome {
    let wishes = PageVerification(rawValue: io.datum)
    let blocksRead = outcome.status == .failed ? 0 : Int(outcome.result)
    var detail = PageVerificationDetail()
    let data = io.mutableData
    var nextChecksum: UInt16?
    for offset in data.indices {
      let buffer = data[offset]
      var isValid = offset < blocksRead
      if isValid, wishes != .none {
        var checksum = nextChecksum
        nextChecksum = nil
        if checksum == nil, pool.checksums, offset + 1 < blocksRead {
          (checksum, nextChecksum) = Self.checksums(buffer, data[offset + 1], pool)
        }
        isValid = verify(buffer, pool, UInt32(offset), wishes, checksum, &detail, note: &data[offset])
      }
      BufferPool.terminateIO(pool.descriptors + Int(buffer), valid: isValid, dropsPin: true)
    }
    pool.counters.blocksRead.sharedIncrement(by: UInt64(blocksRead))
    guard detail.badCount > 0 || detail.ignoredCount > 0 else { return outcome }
    let isFailure = detail.badCount > 0 && !detail.isZeroed
    return IOOutcome(
      isFailure ? .failed : .warning, result: outcome.result, decidedBy: io.id, detail: detail.rawValue)
  }

  private static func checksums(_ first: BufferID, _ second: BufferID, _ pool: BufferPool) -> (UInt16, UInt16) {
    PageChecksum.compute(
      (UnsafeRawPointer(pool.page(first)), BlockNumber(pool.tag(first).block)),
      (UnsafeRawPointer(pool.page(second)), BlockNumber(pool.tag(second).block)))
  }

  /// - Parameter note: is marked for ``completeLocal(_:_:)`` where something is wrong with the page.
  /// - Returns: whether the page may be used.
  private func verify(
    _ buffer: BufferID, _ pool: BufferPool, _ offset: UInt32, _ wishes: PageVerification, _ checksum: UInt16?,
    _ detail: inout PageVerificationDetail, note: inout UInt32
  ) -> Bool {
    let page = pool.page(buffer)
    let block = pool.tag(buffer).block
    let verdict = PageVerifier.isVerified(
      page, block: BlockNumber(block), checksumsEnabled: pool.checksums,
      ignoreChecksumFailure: wishes.contains(.ignoreChecksums), computed: checksum)
    if verdict.contains(.checksumFailed) { pool.counters.checksumFailures.sharedIncrement() }
    if verdict.isValid {
      if verdict.contains(.checksumFailed) {
        if detail.ignoredCount == 0, detail.badCount == 0 { detail.firstOffset = offset }
        detail.ignoredCount += 1
        note |= Self.ignoredMark
      }
      return true
    }
    if detail.badCount == 0 { detail.firstOffset = offset }
    detail.badCount += 1
    note |= Self.badMark
    guard wishes.contains(.zeroOnError) else { return false }
    detail.isZeroed = true
    page.initializeMemory(as: UInt8.self, repeating: 0, count: PageLayout.blockSize)
    return true
  }

  // Above the number of any buffer (BufferPool.countMax).
  private static let badMark: UInt32 = 1 << 31
  private static let ignoredMark: UInt32 = 1 << 30

  /// Writes each page with which something was wrong to the log, one line a page as PostgreSQL does; the outcome has
  /// room for the first of them only. Here and not where the I/O is completed, because that must not allocate.
  override func completeLocal(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    if outcome.decidedBy == io.id { log(io, outcome) }
    return outcome
  }

  @inline(never) private func log(_ io: borrowing CompletionContext, _ outcome: IOOutcome) {
    guard let place = io.place else { return }
    let first = UInt32(place.firstBlock) + UInt32(io.offset / Int64(PageLayout.blockSize))
    var detail = PageVerificationDetail(rawValue: outcome.detail)
    detail.firstOffset = 0
    for (offset, entry) in io.data.enumerated() where entry & (Self.badMark | Self.ignoredMark) != 0 {
      let isBad = entry & Self.badMark != 0
      (detail.badCount, detail.ignoredCount) = isBad ? (1, 0) : (0, 1)
      let block = first + UInt32(offset)
      let report = PageReport(detail: detail, path: place.path, blocks: block..<block + 1)
      let isError = isBad && !detail.isZeroed
      let line = isError ? report.error(missing: report.blocks).message : report.warning.message
      BufferPool.with(io) { $0.engine.logWarning(line) }
    }
  }
}
