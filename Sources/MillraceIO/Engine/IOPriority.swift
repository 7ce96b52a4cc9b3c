/// Whose I/O it is. Where more is wanted than the device or the workers can do at once, what somebody waits for goes
/// before what can wait:
///
/// - *worker* takes foreground I/O from its queue first, and keeps a worker free for it;
/// - *io_uring* and *posix_aio* pass a lower priority on for the rest, for what the kernel and glibc make of it;
/// - who does much that can wait asks ``IOBackend/yieldToForeground(keeping:)`` in between, on every method.
public enum IOPriority: UInt8, Sendable, CaseIterable, CustomStringConvertible {
  /// A session waits for it.
  case query = 0
  /// A commit waits for it.
  case wal = 1
  /// Checkpointer and background writer.
  case checkpoint = 2
  case vacuum = 3
  /// Reading what may be wanted later.
  case prewarm = 4

  /// Whether somebody waits for it: queries and WAL.
  @inlinable public var isForeground: Bool { self == .query || self == .wal }

  /// The text of the `priority` column of `pg_aios`.
  public var description: String {
    switch self {
    case .query: "query"
    case .wal: "wal"
    case .checkpoint: "checkpoint"
    case .vacuum: "vacuum"
    case .prewarm: "prewarm"
    }
  }
}

/// How much I/O that somebody waits for there is.
public struct ForegroundPressure: Sendable, Equatable {
  /// I/Os of query and WAL backends that have been started and not completed. Counted without stopping anybody, so it
  /// may be off by what changes meanwhile.
  public var inFlight: Int
  /// Query and WAL I/Os that have ended since the engine's start: the difference of two looks tells how much came by.
  public var completedTotal: UInt64
}

extension IOEngine {
  /// How much foreground I/O there is now.
  /// - Complexity: a few loads for each place for a backend; costs those who do the I/O nothing.
  public var foregroundPressure: ForegroundPressure {
    var pressure = ForegroundPressure(inFlight: foregroundInFlight, completedTotal: 0)
    for index in 0..<UInt32(configuration.backendsMax) {
      for priority in [IOPriority.query, .wal] {
        pressure.completedTotal += priorityCounters(index, priority).pointee.operations.relaxed
      }
    }
    return pressure
  }

  var foregroundInFlight: Int {
    var count = 0
    for index in 0..<UInt32(configuration.backendsMax) {
      let slot = backendSlot(index)
      if slot.pointee.isForeground.relaxed != 0 { count += slot.pointee.inFlight }
    }
    return count
  }
}

extension IOBackend {
  /// For a backend whose I/O can wait: while there is foreground I/O in flight, waits until few of its own are.
  /// - Parameter count: how many of its own I/Os may stay in flight beside foreground I/O.
  /// - Returns: whether it had to wait.
  @discardableResult
  public func yieldToForeground(keeping count: Int) -> Bool {
    guard outstandingCount > count, engine.foregroundInFlight > 0 else { return false }
    reap(atLeast: outstandingCount - count)
    return true
  }
}
