/// What a thread waits for: type and name as `pg_stat_activity` shows them (PostgreSQL's wait_event_names.txt).
public enum WaitEvent: UInt8, Sendable, CaseIterable {
  case ioCompletion = 1
  case ringExecution
  case dataFileRead, dataFileWrite, dataFileFlush, dataFileExtend, dataFileSync
  case walRead, walWrite, walSync, walInitWrite, walInitSync
  case otherRead, otherWrite, otherSync
  case sleep

  /// `wait_event_type`.
  public var type: String { self == .sleep ? "Timeout" : "IO" }

  /// `wait_event`.
  public var name: String {
    switch self {
    case .ioCompletion: "AioIoCompletion"
    case .ringExecution: "AioIoUringExecution"
    case .dataFileRead: "DataFileRead"
    case .dataFileWrite: "DataFileWrite"
    case .dataFileFlush: "DataFileFlush"
    case .dataFileExtend: "DataFileExtend"
    case .dataFileSync: "DataFileSync"
    case .walRead: "WalRead"
    case .walWrite: "WalWrite"
    case .walSync: "WalSync"
    case .walInitWrite: "WalInitWrite"
    case .walInitSync: "WalInitSync"
    case .otherRead: "BufFileRead"
    case .otherWrite: "BufFileWrite"
    case .otherSync: "BufFileSync"
    case .sleep: "PgSleep"
    }
  }

  /// What a thread waits for that executes an I/O itself.
  static func executing(_ operation: IOOperation, for use: IOUse) -> WaitEvent {
    switch (use, operation) {
    case (.wal, .readv), (.walInit, .readv): .walRead
    case (.wal, .writev): .walWrite
    case (.wal, _): .walSync
    case (.walInit, .writev), (.walInit, .allocate): .walInitWrite
    case (.walInit, _): .walInitSync
    case (.other, .readv): .otherRead
    case (.other, .writev): .otherWrite
    case (_, .allocate): .dataFileExtend
    case (.other, _): .otherSync
    case (_, .readv): .dataFileRead
    case (_, .writev): .dataFileWrite
    case (_, .flushRange): .dataFileFlush
    case (_, .fsync), (_, .fdatasync): .dataFileSync
    }
  }
}

extension IOBackend {
  /// Counts an I/O that is started.
  @inline(__always) func count(_ use: IOUse, _ operation: IOOperation, _ length: Int) {
    let count = IOUseCount.of(operation)
    uses.add(use, count)
    switch operation {
    case .readv: uses.add(use, .readBytes, UInt64(length))
    case .writev: uses.add(use, .writeBytes, UInt64(length))
    default: break
    }
  }

  /// Counts the time of an I/O that was executed by this thread. Its handle may be idle again, but is nobody else's.
  @inline(__always) func countTime(of handle: UInt32, _ use: IOUse, _ operation: IOOperation) {
    let (began, ended) = (table[handle].pointee.submittedAt.relaxed, table[handle].pointee.completedAt.relaxed)
    if ended > began { uses.add(use, IOUseCount.of(operation).time, ended - began) }
  }

  /// Shows what the calling thread, whose backend this is, waits for; nil for nothing any more.
  public func show(_ event: WaitEvent?) { shared.pointee.waitEvent.relaxed = UInt64(event?.rawValue ?? 0) }

  /// Waits that have begun: for what, and when.
  struct Wait {
    let use: IOUse
    let time: IOUseCount
    let start: UInt64
  }

  /// Begins to wait for an I/O, of whichever backend.
  @inline(__always) func beginWait(for handle: UInt32) -> Wait {
    show(method.kind == .ioUring ? .ringExecution : .ioCompletion)
    guard handle != .noHandle else { return Wait(use: .other, time: .readTime, start: 0) }
    let slot = table[handle]
    // What another's is for, only its owner may read; almost always it reads a page that both want.
    let use = slot.pointee.owner == index ? slot.pointee.use : .relation
    return Wait(
      use: use, time: IOUseCount.of(slot.pointee.operation ?? .readv).time, start: monotonicNanoseconds())
  }

  /// The wait is over.
  /// - Parameter waited: whether it was one at all.
  @inline(__always) func end(_ wait: Wait, waited: Bool = true) {
    shared.pointee.waitEvent.relaxed = 0
    if waited, wait.start > 0 { uses.add(wait.use, wait.time, monotonicNanoseconds() &- wait.start) }
  }
}

extension IOEngine {
  /// What the thread waits for that has a place; nil for nothing, or nothing that is known.
  public func waitEvent(ofBackend index: Int) -> WaitEvent? {
    guard (0..<configuration.backendsMax).contains(index) else { return nil }
    return WaitEvent(rawValue: UInt8(truncatingIfNeeded: backendSlot(UInt32(index)).pointee.waitEvent.relaxed))
  }

  /// All backends in use.
  public func backendsInUse() -> [(index: Int, name: String, kind: IOBackendKind)] { places() }
}
