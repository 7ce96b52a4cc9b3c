import MillraceIO
import Synchronization

/// Pages of a fork that were asked for, since it was opened: `pg_statio_all_tables`. Spread over several cache lines,
/// so that sessions that read the same pages do not wait for each other.
struct ForkUsage: @unchecked Sendable {
  // Safe because the pointer never changes and what it points to is atomic; the fork keeps it.

  private static let stripes = 4
  private static let stride = 8
  private let words: UnsafeMutablePointer<Atomic<UInt64>>

  init() {
    words = .allocate(capacity: Self.stripes * Self.stride)
    for index in 0..<Self.stripes * Self.stride { (words + index).initialize(to: Atomic(0)) }
  }

  func deallocate() {
    words.deinitialize(count: Self.stripes * Self.stride)
    words.deallocate()
  }

  @inline(__always) private func stripe(_ backend: IOBackend) -> UnsafeMutablePointer<Atomic<UInt64>> {
    words + Int(backend.index) % Self.stripes * Self.stride
  }

  /// Where a backend counts pages that were there.
  @inline(__always) func hitWord(_ backend: IOBackend) -> UnsafeMutablePointer<Atomic<UInt64>> { stripe(backend) }
  @inline(__always) func countReads(_ count: Int, _ backend: IOBackend) {
    (stripe(backend) + 1).pointee.sharedAdd(UInt64(count))
  }

  private func sum(_ word: Int) -> UInt64 {
    (0..<Self.stripes).reduce(0) { $0 + words[$1 * Self.stride + word].relaxed }
  }

  var hits: UInt64 { sum(0) }
  var reads: UInt64 { sum(1) }
}

/// Pages of a relation, in all of its forks, that were found in the pool and that were read.
public struct BlockUsage: Sendable, Equatable {
  public var hits: UInt64 = 0
  public var reads: UInt64 = 0

  public init() {}
}

extension StorageManager {
  /// What has been asked for of a relation since its files were first used.
  /// - Parameter backend: whose temporary relation it is; nil for all others.
  public func blockUsage(of locator: RelationLocator, backend: UInt32? = nil) -> BlockUsage {
    var usage = BlockUsage()
    for number in ForkNumber.allCases {
      guard let fork = known(locator, number, backend: backend) else { continue }
      usage.hits += fork.usage.hits
      usage.reads += fork.usage.reads
    }
    return usage
  }
}
