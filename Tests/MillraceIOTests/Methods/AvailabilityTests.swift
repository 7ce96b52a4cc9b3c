import Foundation
import Testing

@testable import MillraceIO

/// Which methods the suite runs on here. A method that cannot run is reported as skipped with its reason; with
/// `MILLRACE_REQUIRE=all` one that the kernel has is required.
@Suite("methods that can run here")
struct AvailabilityTests {
  private static let requiresAll = ProcessInfo.processInfo.environment["MILLRACE_REQUIRE"] == "all"

  private static func skip(_ kind: IOMethodKind) -> Comment? {
    MethodsHere.obstacle(to: kind).map { "io_method=\(kind) is not tested: \($0)" }
  }

  private func run(_ kind: IOMethodKind) throws {
    let bench = try TestBench(TestSetup(kind: kind, isDirect: true))
    #expect(bench.engine.methodKind == kind)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 8192)
    let memory = try IOMemory(byteCount: 8192)
    #expect(backend.perform(.readv, file, at: 0, memory.bytes).status == .ok)
    #expect(Pattern().matches(memory.bytes, from: 0))
    backend.close()
    bench.engine.close(file)
    #expect(TestSetup.all.contains { $0.kind == kind })
  }

  @Test("sync") func sync() throws { try run(.sync) }

  @Test("worker") func worker() throws { try run(.worker) }

  @Test("io_uring", .enabled(if: requiresAll || skip(.ioUring) == nil, skip(.ioUring)))
  func ioUring() throws {
    // A kernel that has it, and does not let us, is what the requirement is about; one without it is not.
    try #require(MethodsHere.obstacle(to: .ioUring) == nil)
    try run(.ioUring)
  }

  @Test("posix_aio", .enabled(if: skip(.posixAIO) == nil, skip(.posixAIO)))
  func posixAIO() throws { try run(.posixAIO) }

  @Test("auto is io_uring where that can run, else worker, and says why")
  func choosesAutomatically() throws {
    let obstacle = MethodSelection.obstacle(to: .ioUring)
    let choice = MethodSelection.automatic()
    #expect(choice.kind == (obstacle == nil ? .ioUring : .worker))
    #expect(choice.because == obstacle)
    let engine = try IOEngine(IOConfiguration(method: .auto))
    #expect(engine.methodKind == choice.kind)
  }

  @Test("the simulation is no method that can be named")
  func refusesSimulation() throws {
    let error = #expect(throws: IOError.self) { try IOEngine(IOConfiguration(method: .simulation)) }
    #expect(error?.code == .methodUnavailable)
  }

  /// A setting out of range, and what is said about it.
  struct BadValue: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let change: @Sendable (inout IOConfiguration) -> Void
    init(_ message: String, _ change: @escaping @Sendable (inout IOConfiguration) -> Void) {
      (testDescription, self.change) = (message, change)
    }
  }

  // Facts, scenario 71.
  static let badValues = [
    BadValue("0 is outside the valid range for parameter \"io_min_workers\" (1 .. 32)") { $0.workers.workersMin = 0 },
    BadValue("33 is outside the valid range for parameter \"io_min_workers\" (1 .. 32)") { $0.workers.workersMin = 33 },
    BadValue("0 is outside the valid range for parameter \"io_max_workers\" (1 .. 32)") { $0.workers.workersMax = 0 },
    BadValue("-1 is outside the valid range for parameter \"io_worker_idle_timeout\" (0 .. 2147483647)") {
      $0.workers.idleTimeoutMilliseconds = -1
    },
    BadValue("-1 is outside the valid range for parameter \"io_worker_launch_interval\" (0 .. 2147483647)") {
      $0.workers.launchIntervalMilliseconds = -1
    },
    BadValue("0 is outside the valid range for parameter \"io_max_concurrency\" (1 .. 1024)") {
      $0.handlesPerBackend = 0
    },
    BadValue("129 is outside the valid range for parameter \"io_max_combine_limit\" (1 .. 128)") {
      $0.vectorsPerHandle = 129
    },
    BadValue("0 is outside the valid range for parameter \"backendsMax\" (1 .. 16384)") { $0.backendsMax = 0 },
    BadValue("-5 is outside the valid range for parameter \"backendsMax\" (1 .. 16384)") { $0.backendsMax = -5 },
    BadValue("65 is outside the valid range for parameter \"ringsMax\" (0 .. 64)") { $0.ringsMax = 65 },
    BadValue("0 is outside the valid range for parameter \"posixAIODescriptors\" (1 .. 64)") {
      $0.posixAIODescriptors = 0
    },
  ]

  @Test("a value out of range is an error that names the range", arguments: badValues, IOMethodKind.real + [.auto])
  func checksRanges(bad: BadValue, kind: IOMethodKind) throws {
    var configuration = IOConfiguration(method: kind)
    bad.change(&configuration)
    let error = #expect(throws: IOError.self) { try IOEngine(configuration) }
    #expect(error?.code == .invalidConfiguration)
    #expect(error?.description == bad.testDescription)
  }
}
