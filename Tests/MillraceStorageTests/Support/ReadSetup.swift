import Foundation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// One way to read: which method, through the page cache or past it, with how many handles, in how large pieces.
struct ReadSetup: Sendable, Hashable, CustomTestStringConvertible {
  var kind: IOMethodKind
  /// A ring that only the backend's thread reaps.
  var exclusive = false
  var direct = false
  /// `io_max_concurrency`.
  var handles = 64
  /// `io_combine_limit`.
  var combineLimit = 16

  var testDescription: String {
    let ring = exclusive ? " exclusive" : ""
    return "\(kind)\(ring) \(direct ? "direct" : "buffered") handles \(handles) combine \(combineLimit)"
  }

  /// Methods that can run here, io_uring also with rings of their own.
  static let methods: [ReadSetup] = MethodsHere.usable.flatMap { kind in
    kind == .ioUring ? [ReadSetup(kind: kind), ReadSetup(kind: kind, exclusive: true)] : [ReadSetup(kind: kind)]
  }

  /// Methods whose I/O any thread can complete.
  static let shared: [ReadSetup] = methods.filter { !$0.exclusive }

  /// Methods, buffered and direct.
  static let paths: [ReadSetup] = methods.flatMap { setup in
    [false, true].map { direct in
      var setup = setup
      setup.direct = direct
      return setup
    }
  }

  /// Everything that can be combined.
  static let all: [ReadSetup] = paths.flatMap { setup in
    [64, 4, 1].flatMap { handles in
      [1, 3, 16].map { combineLimit in
        var setup = setup
        (setup.handles, setup.combineLimit) = (handles, combineLimit)
        return setup
      }
    }
  }

  var configuration: IOConfiguration {
    var configuration = IOConfiguration(method: kind)
    configuration.handlesPerBackend = handles
    configuration.vectorsPerHandle = max(combineLimit, 1)
    configuration.backendsMax = 16
    configuration.ringsMax = 2
    configuration.posixAIODescriptors = 4
    return configuration
  }

  func with(_ change: (inout ReadSetup) -> Void) -> ReadSetup {
    var setup = self
    change(&setup)
    return setup
  }
}

extension MethodsHere {
  /// Whether `MILLRACE_REQUIRE` asks for something by name, or for all.
  static func isRequired(_ name: String) -> Bool {
    let required = ProcessInfo.processInfo.environment["MILLRACE_REQUIRE"] ?? ""
    return required.split(separator: ",").contains { $0 == name || $0 == "all" }
  }
}

@Suite struct MethodsHereTests {
  /// The other tests run on what is usable; this one says what that leaves out.
  @Test(arguments: IOMethodKind.real) func anUnusableMethodIsReportedAndFailsWhereItIsRequired(kind: IOMethodKind) {
    guard let obstacle = MethodsHere.obstacle(to: kind) else { return }
    print("skipped: \(kind): \(obstacle)")
    #expect(MethodsHere.isUnderThreadSanitizer || !MethodsHere.isRequired(kind.rawValue), "\(obstacle)")
  }
}
