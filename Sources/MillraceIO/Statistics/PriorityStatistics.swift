import Synchronization

/// What has been done in one priority class since the engine's start.
public struct IOPriorityStatistics: Sendable, Equatable {
  public let priority: IOPriority
  /// I/Os that have ended and been taken back by their backends.
  public let operations: UInt64
  public let bytesRead: UInt64
  public let bytesWritten: UInt64
  /// Nanoseconds from submission to completion, of all of them together.
  public let latencyTotal: UInt64
}

/// The counters of one class in one place for a backend. Written by the thread of the backend that has the place, and
/// never reset.
struct PriorityCounters: ~Copyable {
  let operations = Atomic<UInt64>(0)
  let bytesRead = Atomic<UInt64>(0)
  let bytesWritten = Atomic<UInt64>(0)
  let latencyTotal = Atomic<UInt64>(0)

  /// Entries for each place: one for each class, and one more so that places share no cache line.
  static let stride = IOPriority.allCases.count + 1

  /// Counts an I/O that has ended.
  @inline(__always) func note(_ operation: IOOperation?, raw: Int64, latency: UInt64) {
    operations.ownerAdd(1)
    latencyTotal.ownerAdd(latency)
    guard raw > 0 else { return }
    if operation == .readv { bytesRead.ownerAdd(UInt64(raw)) } else { bytesWritten.ownerAdd(UInt64(raw)) }
  }
}

extension IOEngine {
  /// What has been done in each priority class, of all backends, those that have gone included.
  public func priorityStatistics() -> [IOPriorityStatistics] {
    IOPriority.allCases.map { priority in
      var (operations, read, written, latency) = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
      for index in 0..<UInt32(configuration.backendsMax) {
        let counters = priorityCounters(index, priority)
        operations += counters.pointee.operations.relaxed
        read += counters.pointee.bytesRead.relaxed
        written += counters.pointee.bytesWritten.relaxed
        latency += counters.pointee.latencyTotal.relaxed
      }
      return IOPriorityStatistics(
        priority: priority, operations: operations, bytesRead: read, bytesWritten: written, latencyTotal: latency)
    }
  }
}
