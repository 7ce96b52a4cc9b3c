import Foundation
import MillraceSimulation
import Testing

@testable import MillraceIO

/// An engine as a ``TestSetup`` wants it, and files for it.
final class TestBench: Sendable {
  let setup: TestSetup
  let engine: IOEngine
  let directory: DiskDirectory
  /// The simulated disk, where there is one.
  let disk: SimulatedDisk?

  init(
    _ setup: TestSetup, injection: IOInjection? = nil, configure: (inout IOConfiguration) -> Void = { _ in }
  ) throws {
    self.setup = setup
    directory = try DiskDirectory()
    var configuration = IOConfiguration(method: setup.kind)
    configuration.handlesPerBackend = setup.handles
    configuration.backendsMax = 16
    configuration.workers = WorkerPoolConfiguration(fixed: 2)
    configure(&configuration)
    if setup.kind == .simulation {
      let simulation = try SimulatedEngine(
        seed: 1, configuration: configuration, disk: SimulatedDisk(seed: 1), latency: nil, injection: injection)
      engine = simulation.engine
      disk = setup.usesSimulatedDisk ? simulation.disk : nil
    } else {
      engine = try IOEngine(configuration, method: MethodSelection.make(configuration), injection: injection)
      disk = nil
    }
  }

  func makeBackend(_ name: String = "test") throws -> IOBackend {
    try engine.makeBackend(name, exclusive: setup.isExclusive)
  }

  /// Makes a file of ``Pattern`` bytes and opens it, to the setup's liking or as told.
  func makeFile(
    _ name: String = "data", byteCount: Int, seed: UInt64 = 1, isWritable: Bool = true, isDirect: Bool? = nil
  ) throws -> IOFile {
    var options: IOFileOptions = isWritable ? [.write] : []
    if isDirect ?? setup.isDirect { options.insert(.direct) }
    if let disk {
      let file = try disk.openFile(directory.path(name), [.write, .create])
      let bytes = Pattern(seed: seed).bytes(0..<byteCount)
      let written = bytes.withUnsafeBytes { bytes in
        withUnsafePointer(
          to: IOVector(base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), byteCount: byteCount)
        ) {
          file.write($0, count: 1, at: 0)
        }
      }
      try #require(written == byteCount)
      file.close()
      return try disk.openFile(directory.path(name), options)
    }
    return try DescriptorFile.open(directory.makeFile(name, byteCount: byteCount, seed: seed), options)
  }

  /// What a file holds now, past the engine.
  func contents(_ name: String = "data") throws -> [UInt8] {
    if let disk { return try #require(disk.contents(of: directory.path(name))) }
    return try [UInt8](Data(contentsOf: URL(filePath: directory.path(name))))
  }
}

extension IOBackend {
  /// Starts an I/O whose outcome is put into a place of a table.
  func start(
    _ operation: IOOperation, _ file: IOFile, at offset: Int, _ memory: UnsafeMutableRawBufferPointer,
    to outcome: UnsafeMutablePointer<IOOutcome>? = nil, flags: IOFlags = []
  ) -> IOReference {
    let handle = acquire()
    if let outcome { handle.returns(to: outcome) }
    return handle.start(operation, file, at: Int64(offset), memory: memory, flags: flags)
  }

  /// Does one transfer and waits for it.
  @discardableResult
  func perform(
    _ operation: IOOperation, _ file: IOFile, at offset: Int, _ memory: UnsafeMutableRawBufferPointer,
    flags: IOFlags = []
  ) -> IOOutcome {
    outcome { slot in start(operation, file, at: offset, memory, to: slot, flags: flags) }
  }

  /// Does one operation that moves no data and waits for it.
  @discardableResult
  func perform(_ operation: IOOperation, _ file: IOFile, at offset: Int = 0, length: Int = 0) -> IOOutcome {
    outcome { slot in
      let handle = acquire()
      handle.returns(to: slot)
      return handle.start(operation, file, at: Int64(offset), length: Int64(length))
    }
  }

  private func outcome(of start: (UnsafeMutablePointer<IOOutcome>) -> IOReference) -> IOOutcome {
    var outcome = IOOutcome.unknown
    withUnsafeMutablePointer(to: &outcome) { slot in
      _ = wait(for: start(slot))
    }
    return outcome
  }
}

/// Places for the outcomes of many I/Os.
final class Outcomes {
  let slots: UnsafeMutablePointer<IOOutcome>
  let count: Int

  init(_ count: Int) {
    self.count = count
    slots = .allocate(capacity: count)
    slots.initialize(repeating: .unknown, count: count)
  }

  deinit { slots.deallocate() }

  subscript(index: Int) -> IOOutcome { slots[index] }

  /// Whether every one of the first `count` is that of a whole transfer of so many bytes.
  func areWhole(_ count: Int, bytes: Int) -> Bool {
    (0..<count).allSatisfy { slots[$0] == IOOutcome(.ok, result: Int32(bytes)) }
  }
}
