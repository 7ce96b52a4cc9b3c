import MillraceIO
import MillraceStorage
import Synchronization

/// The memory for WAL that is not yet written: `wal_buffers` pages in a ring, each in the one place that its position
/// gives it.
///
/// A page must be *entered* before it is copied to: whoever comes first clears it and writes its header, the others
/// wait for the few hundred nanoseconds that this takes. No order between pages is needed. (PostgreSQL holds
/// WALBufMappingLock for this, and initializes pages one after another.)
///
/// One word per page says which page is there: its position, and in the low bits whether it is ready.
///
/// **Why nobody copies to a page that is not his.** A page may take the place of the one a ring's length before it when
/// that has been written as a whole. The writer's completion publishes the written position with release after the
/// kernel is done with the memory; who enters has loaded it with acquire. The one compare-and-swap from the old page's
/// word to the new page's, not ready, has one winner; he stores ready with release after the header, and everybody else
/// copies after a load of that with acquire. And nobody still copies to the old page: what he would copy was reserved
/// before its end, and is complete because it has been written.
struct WALBuffers: @unchecked Sendable {
  // Safe because a page's word says who may touch it, and reservations say which bytes.

  let memory: IOMemory
  let base: UnsafeMutableRawPointer
  /// Bytes of the ring: whole pages.
  let byteCount: UInt64
  private let words: UnsafeMutablePointer<Atomic<UInt64>>

  private static let pageSize = UInt64(WALLayout.pageSize)
  private static let ready: UInt64 = 1
  private static let sleepers: UInt64 = 2
  private static let positionMask = ~(pageSize - 1)

  /// - Parameter pageCount: at least 2.
  init(pageCount: Int, hugePages: IOMemory.HugePages) throws(IOError) {
    memory = try IOMemory(byteCount: pageCount * WALLayout.pageSize, hugePages: hugePages)
    base = memory.baseAddress
    byteCount = UInt64(memory.byteCount)
    words = .allocate(capacity: pageCount)
    for index in 0..<pageCount { (words + index).initialize(to: Atomic(0)) }
  }

  func deallocate() { words.deallocate() }

  /// Where the byte at a position is.
  @inline(__always) func address(of position: UInt64) -> UnsafeMutableRawPointer { base + Int(position % byteCount) }

  @inline(__always) private func word(_ page: UInt64) -> UnsafeMutablePointer<Atomic<UInt64>> {
    words + Int(page % byteCount / Self.pageSize)
  }

  /// Whether a page has been entered.
  /// - Parameter page: a page's first position.
  @inline(__always) func isReady(_ page: UInt64) -> Bool {
    word(page).pointee.load(ordering: .acquiring) & ~Self.sleepers == page | Self.ready
  }

  /// The written position from which on a page can take its place.
  @inline(__always) func spaceNeeded(for page: UInt64) -> UInt64 {
    page + Self.pageSize > byteCount ? page + Self.pageSize - byteCount : 0
  }

  enum Entry {
    /// Copy to it.
    case ready
    /// The caller has to prepare it, and then call ``publish(_:)``.
    case mine
    /// Another is preparing it; see ``sleep(_:seen:)``.
    case busy(seen: UInt64)
    /// The page that is there has not been written yet.
    case full
  }

  /// Tries to enter a page.
  /// - Parameter written: how far the log has been written, loaded with acquire.
  func enter(_ page: UInt64, written: UInt64) -> Entry {
    let word = word(page)
    var seen = word.pointee.load(ordering: .acquiring)
    while true {
      if seen & Self.positionMask == page, seen != 0 {
        return seen & Self.ready != 0 ? .ready : .busy(seen: seen)
      }
      invariant(
        seen & Self.positionMask < page || seen == 0, "a WAL page was entered after its place had been given away")
      guard written >= spaceNeeded(for: page) else { return .full }
      let (exchanged, now) = word.pointee.compareExchange(
        expected: seen, desired: page, ordering: .acquiringAndReleasing)
      if exchanged { return .mine }
      seen = now
    }
  }

  /// Says that a page is ready, and wakes who waits for it.
  func publish(_ page: UInt64) {
    let before = word(page).pointee.exchange(page | Self.ready, ordering: .acquiringAndReleasing)
    if before & Self.sleepers != 0 { Futex.wake(word(page)) }
  }

  /// Sleeps until a page that another prepares has moved on. May return early.
  func sleep(_ page: UInt64, seen: UInt64) {
    let word = word(page)
    if seen & Self.sleepers == 0 {
      let (exchanged, _) = word.pointee.compareExchange(
        expected: seen, desired: seen | Self.sleepers, ordering: .acquiringAndReleasing)
      if !exchanged { return }
    }
    Futex.wait(word, while: seen | Self.sleepers)
  }
}
