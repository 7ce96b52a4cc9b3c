import MillraceTestSupport
import Testing

@testable import MillraceIO

/// One way to do I/O that the conformance tests try: every test of the suite runs on all of them.
struct TestSetup: Sendable, CustomTestStringConvertible {
  let kind: IOMethodKind
  /// On a simulated disk instead of a real one.
  var usesSimulatedDisk = false
  var isExclusive = false
  var isDirect = false
  /// `io_max_concurrency`.
  var handles = 64

  var testDescription: String {
    var words = [kind.rawValue]
    if usesSimulatedDisk { words.append("simulated disk") }
    if isExclusive { words.append("exclusive") }
    words += [isDirect ? "direct" : "buffered", "\(handles) handles"]
    return words.joined(separator: ", ")
  }

  /// Methods that cannot run here are not among them; ``AvailabilityTests`` tells why.
  private static let methods: [TestSetup] = {
    var methods = MethodsHere.usable.map { TestSetup(kind: $0) }
    if methods.contains(where: { $0.kind == .ioUring }) { methods.append(TestSetup(kind: .ioUring, isExclusive: true)) }
    methods.append(TestSetup(kind: .simulation))
    methods.append(TestSetup(kind: .simulation, usesSimulatedDisk: true))
    return methods
  }()

  /// Every method, buffered and direct, with many handles, few, and one.
  static let all: [TestSetup] = methods.flatMap { method in
    [false, true].flatMap { isDirect in
      [64, 4, 1].map { handles in
        var setup = method
        (setup.isDirect, setup.handles) = (isDirect, handles)
        return setup
      }
    }
  }

  /// Every method, buffered and direct, with many handles.
  static let roomy = all.filter { $0.handles == 64 }

  /// Every method, direct, with many handles: for what does not depend on how the file was opened.
  static let plain = roomy.filter(\.isDirect)

  /// Those on which any thread can complete any I/O.
  static let shared = plain.filter { !$0.isExclusive }

  /// Those that give I/O to somebody else and so have it in flight.
  static let asynchronous = plain.filter { $0.kind != .sync }
}
