import MillraceIO
import MillraceTestSupport
import Testing

@testable import MillraceWAL

/// One way to keep a log that the tests of insertion and flushing try.
struct WALSetup: Sendable, CustomTestStringConvertible {
  let kind: IOMethodKind
  var syncMethod = WALSyncMethod.fdatasync
  var isFsyncEnabled = true
  var isDirect = false

  var testDescription: String {
    "\(kind.rawValue), \(isFsyncEnabled ? syncMethod.rawValue : "fsync off"), \(isDirect ? "direct" : "buffered")"
  }

  var usesSimulatedDisk: Bool { kind == .simulation }

  static let kinds: [IOMethodKind] = MethodsHere.usable + [.simulation]

  static let syncMethods: [WALSyncMethod] = [.fsync, .fdatasync, .openSync, .openDatasync]

  /// Every I/O method with every way to make WAL durable, buffered and direct.
  static let all: [WALSetup] = kinds.flatMap { kind in
    [false, true].flatMap { isDirect in
      syncMethods.map { WALSetup(kind: kind, syncMethod: $0, isDirect: isDirect) }
        + [WALSetup(kind: kind, isFsyncEnabled: false, isDirect: isDirect)]
    }
  }

  /// Every I/O method with a flush after each write, and with writes that are durable by themselves.
  static let some = kinds.flatMap { kind in
    [WALSetup(kind: kind), WALSetup(kind: kind, syncMethod: .openDatasync, isDirect: true)]
  }

  /// The same, without the simulation, in which one thread does everything.
  static let threaded = some.filter { $0.kind != .simulation }
}
