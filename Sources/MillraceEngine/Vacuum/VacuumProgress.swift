import MillraceIO
public import MillraceStorage

/// How far a vacuum has come: a row of `pg_stat_progress_vacuum`.
public final class VacuumProgress: Sendable {
  public enum Phase: UInt64, Sendable, CustomStringConvertible {
    case initializing, scanningHeap, vacuumingIndexes, vacuumingHeap, cleaningUpIndexes, truncatingHeap
    case performingFinalCleanup

    public var description: String {
      switch self {
      case .initializing: "initializing"
      case .scanningHeap: "scanning heap"
      case .vacuumingIndexes: "vacuuming indexes"
      case .vacuumingHeap: "vacuuming heap"
      case .cleaningUpIndexes: "cleaning up indexes"
      case .truncatingHeap: "truncating heap"
      case .performingFinalCleanup: "performing final cleanup"
      }
    }
  }

  enum Counter: Int, CaseIterable {
    case phase, blocksTotal, blocksScanned, blocksVacuumed, indexVacuumCount, bytesMax, bytes, deadItems, indexesTotal
    case indexesProcessed, delayNanoseconds
  }

  public let processID: Int32
  public let relation: RelationLocator
  public let oid: UInt32
  private let words = AtomicWords(count: Counter.allCases.count)

  init(processID: Int32, relation: RelationLocator, oid: UInt32) {
    (self.processID, self.relation, self.oid) = (processID, relation, oid)
  }

  func set(_ counter: Counter, _ value: some BinaryInteger) { words.store(counter.rawValue, UInt64(value)) }
  func set(_ phase: Phase) { words.store(Counter.phase.rawValue, phase.rawValue) }
  func add(_ counter: Counter, _ value: UInt64) { words.add(counter.rawValue, value) }

  private func value(_ counter: Counter) -> UInt64 { words.relaxed(counter.rawValue) }

  public var phase: Phase { Phase(rawValue: value(.phase)) ?? .initializing }
  public var heapBlocksTotal: UInt64 { value(.blocksTotal) }
  public var heapBlocksScanned: UInt64 { value(.blocksScanned) }
  public var heapBlocksVacuumed: UInt64 { value(.blocksVacuumed) }
  public var indexVacuumCount: UInt64 { value(.indexVacuumCount) }
  public var maxDeadTupleBytes: UInt64 { value(.bytesMax) }
  public var deadTupleBytes: UInt64 { value(.bytes) }
  public var deadItemCount: UInt64 { value(.deadItems) }
  public var indexesTotal: UInt64 { value(.indexesTotal) }
  public var indexesProcessed: UInt64 { value(.indexesProcessed) }
  public var delayNanoseconds: UInt64 { value(.delayNanoseconds) }
}

extension Database {
  /// The vacuums that run now.
  public var vacuumProgress: [VacuumProgress] { runningVacuums.withLock { $0 } }

  func begin(_ progress: VacuumProgress) { runningVacuums.withLock { $0.append(progress) } }

  func end(_ progress: VacuumProgress) { runningVacuums.withLock { $0.removeAll { $0 === progress } } }
}
