import CMillrace
import Glibc
import Synchronization

/// Finds the buffer of a page: chains of buffers, by hash of the tag.
///
/// Each chain hangs from one word that holds its first buffer, a version, and a bit that says that somebody is changing
/// it. Looking up writes nothing. Memory of descriptors is never freed, so following a chain is always safe; a hit is
/// proved by pinning and comparing the tag again, a miss by finding the chain's word unchanged (a sequence lock:
/// Lameter, "Effective synchronization on Linux/NUMA systems", 2005). Who changes a chain sets the bit for a few
/// instructions; there is no other lock, and no two chains share one.
struct BufferTable: @unchecked Sendable {
  // Safe because the pointers never change, and what they point to is atomic.

  /// The word of a chain.
  ///
  ///     bits  0–31  the first buffer
  ///     bit  32     the chain is being changed
  ///     bits 33–63  version: how often it has been
  private struct Chain {
    var rawValue: UInt64

    static let empty = Chain(rawValue: UInt64(BufferID.noBuffer))
    private static let changing: UInt64 = 1 << 32
    private static let oneVersion: UInt64 = 1 << 33

    @inline(__always) var first: BufferID { BufferID(truncatingIfNeeded: rawValue) }
    @inline(__always) var isBeingChanged: Bool { rawValue & Self.changing != 0 }

    /// The word while the chain is being changed.
    @inline(__always) var claimed: Chain { Chain(rawValue: rawValue | Self.changing) }

    /// The word after the change.
    @inline(__always) func changed(first: BufferID) -> Chain {
      Chain(rawValue: (rawValue & ~(Self.oneVersion - 1)) &+ Self.oneVersion | UInt64(first))
    }
  }

  private let chains: UnsafeMutablePointer<Atomic<UInt64>>
  private let chainMask: UInt64
  private let descriptors: UnsafeMutablePointer<BufferDescriptor>
  private let bufferCount: Int

  init(_ descriptors: UnsafeMutablePointer<BufferDescriptor>, count: Int) {
    (self.descriptors, bufferCount) = (descriptors, count)
    var chainCount = 128
    while chainCount < count * 2 { chainCount *= 2 }
    chainMask = UInt64(chainCount - 1)
    chains = .allocate(capacity: chainCount)
    for index in 0..<chainCount { (chains + index).initialize(to: Atomic(Chain.empty.rawValue)) }
  }

  func deallocate() {
    chains.deinitialize(count: Int(chainMask) + 1)
    chains.deallocate()
  }

  @inline(__always) private func chain(of tag: BufferTag) -> UnsafeMutablePointer<Atomic<UInt64>> {
    chains + Int(tag.hash & chainMask)
  }

  /// The buffer that holds a page, or held it a moment ago; nil if none does.
  /// - Complexity: O(1): no write, no lock.
  @inline(__always) func find(_ tag: BufferTag) -> BufferID? {
    let chain = chain(of: tag)
    var attempts = 0
    while true {
      let seen = Chain(rawValue: chain.pointee.load(ordering: .acquiring))
      var buffer = seen.first
      var steps = 0
      // A chain that is being changed may lead into another, and round in a circle; then it ends by counting.
      while buffer != .noBuffer, steps <= bufferCount {
        if descriptors[Int(buffer)].tag.load(ordering: .acquiring) == tag.rawValue { return buffer }
        buffer = descriptors[Int(buffer)].next.load(ordering: .acquiring)
        steps += 1
      }
      atomicMemoryFence(ordering: .acquiring)
      if !seen.isBeingChanged, chain.pointee.load(ordering: .relaxed) == seen.rawValue { return nil }
      Self.letOthersRun(&attempts)
    }
  }

  /// Has the processor bring in what ``find(_:)`` will look at first.
  @inline(__always) func prefetch(_ tag: BufferTag) { millrace_prefetch(chain(of: tag)) }

  /// Called by who waits for another thread to take a few more steps: that thread may not be running.
  @inline(__always) static func letOthersRun(_ attempts: inout Int) {
    attempts += 1
    if attempts % 64 == 0 { giveWay(attempts) }
  }

  @inline(never) private static func giveWay(_ attempts: Int) {
    if attempts < 64 * 64 {
      sched_yield()
    } else {
      // Between threads of different real-time priority, yielding does not help.
      var pause = timespec(tv_sec: 0, tv_nsec: 50_000)
      nanosleep(&pause, nil)
    }
  }

  /// Claims the right to change a chain. - Returns: its word before.
  @inline(__always) private func claim(_ chain: UnsafeMutablePointer<Atomic<UInt64>>) -> Chain {
    var attempts = 0
    while true {
      let seen = Chain(rawValue: chain.pointee.load(ordering: .relaxed))
      if !seen.isBeingChanged,
        chain.pointee.weakCompareExchange(
          expected: seen.rawValue, desired: seen.claimed.rawValue, successOrdering: .acquiringAndReleasing,
          failureOrdering: .relaxed
        ).exchanged
      {
        return seen
      }
      Self.letOthersRun(&attempts)
    }
  }

  /// Puts a buffer into the table under a tag that the caller has given it, unless the page has another buffer already.
  /// - Parameter publish: runs when the buffer goes in, while nobody else can put in the same page.
  /// - Returns: the other buffer, if there is one.
  @inline(__always) func insert(_ buffer: BufferID, _ tag: BufferTag, publish: () -> Void) -> BufferID? {
    let chain = chain(of: tag)
    let before = claim(chain)
    var other = before.first
    while other != .noBuffer {
      if descriptors[Int(other)].tag.load(ordering: .relaxed) == tag.rawValue {
        chain.pointee.store(before.rawValue, ordering: .releasing)
        return other
      }
      other = descriptors[Int(other)].next.load(ordering: .relaxed)
    }
    publish()
    descriptors[Int(buffer)].next.store(before.first, ordering: .releasing)
    chain.pointee.store(before.changed(first: buffer).rawValue, ordering: .releasing)
    return nil
  }

  /// Takes a buffer out of the table.
  func remove(_ buffer: BufferID, _ tag: BufferTag) {
    let chain = chain(of: tag)
    let before = claim(chain)
    let next = descriptors[Int(buffer)].next.load(ordering: .relaxed)
    if before.first == buffer {
      chain.pointee.store(before.changed(first: next).rawValue, ordering: .releasing)
      return
    }
    var current = before.first
    while current != .noBuffer {
      let following = descriptors[Int(current)].next.load(ordering: .relaxed)
      if following == buffer {
        descriptors[Int(current)].next.store(next, ordering: .releasing)
        break
      }
      current = following
    }
    precondition(current != .noBuffer, "invariant broken: a buffer was not in the chain of its tag")
    chain.pointee.store(before.changed(first: before.first).rawValue, ordering: .releasing)
  }
}
