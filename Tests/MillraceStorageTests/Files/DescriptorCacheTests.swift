import Foundation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Few descriptors serve many segments, and none is lost or closed under an I/O.
@Suite struct DescriptorCacheTests {
  /// Descriptors of this process that refer to files below a directory.
  static func descriptors(below directory: TemporaryDirectory) -> Int {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return names.filter {
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
      return target?.hasPrefix(directory.path) ?? false
    }.count
  }

  static func read(_ rig: StorageRig, _ backend: IOBackend, _ block: UInt32) throws {
    let stream = rig.stream(backend, BlockList([BlockNumber(block)]))
    try rig.expectNext(of: stream, is: block)
  }

  @Test(arguments: ReadSetup.paths)
  func segmentsAreClosedAndOpenedAgainAsNeeded(setup: ReadSetup) throws {
    let files = FaultyFileSystem()
    let rig = try StorageRig(setup, blocks: 24, blocksPerSegment: 4, filesMax: 2, fileSystem: files)
    let backend = try rig.backend()
    for block in [UInt32(0), 4, 8, 12, 16, 20, 0, 4] {
      rig.pool.invalidate(rig.fork)
      try Self.read(rig, backend, block)
      #expect(rig.storage.files.openCount <= 2)
    }
    #expect(files.opened == ["16384", "16384.1", "16384.2", "16384.3", "16384.4", "16384.5", "16384", "16384.1"])
    // One that is open is not opened again.
    rig.pool.invalidate(rig.fork)
    try Self.read(rig, backend, 1)
    #expect(files.opened.count == 8)
  }

  /// The hand passes over what has been used since it last came by.
  @Test func theClockClosesWhatHasNotBeenUsedLately() throws {
    let files = FaultyFileSystem()
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 24, blocksPerSegment: 4, filesMax: 3, fileSystem: files)
    let backend = try rig.backend()
    func use(_ segments: [UInt32]) throws {
      for segment in segments {
        rig.pool.invalidate(rig.fork)
        try Self.read(rig, backend, segment * 4)
      }
    }
    // The fourth clears all marks and closes one; of the two old ones left, the used one stays.
    try use([0, 1, 2, 3])
    let closed = try #require([UInt32(0), 1, 2].first { !Self.isOpen(rig, Int($0)) })
    let kept = [UInt32(0), 1, 2].filter { $0 != closed }
    try use([kept[0], 4])
    #expect(Self.isOpen(rig, Int(kept[0])))
    #expect(!Self.isOpen(rig, Int(kept[1])))
  }

  static func isOpen(_ rig: StorageRig, _ segment: Int) -> Bool {
    let suffix = segment == 0 ? "/16384" : "/16384.\(segment)"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return names.contains {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))
        == rig.directory.path + "/base/5" + suffix
    }
  }

  @Test(arguments: ReadSetup.paths.filter { !$0.exclusive })
  func theLimitIsKeptAndNothingLeaksUnderLoad(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 60, buffers: 32, blocksPerSegment: 4, filesMax: 4)
    let peak = Peak()
    let threads = try (0..<3).map { number in
      try TestThread("load \(number)") {
        let backend = try rig.backend("load \(number)")
        defer { backend.close() }
        var random = SeededGenerator(seed: UInt64(number))
        for _ in 0..<300 {
          try Self.read(rig, backend, UInt32(random.below(60)))
          peak.note(rig.storage.files.openCount)
        }
      }
    }
    for thread in threads { try thread.join() }
    // At most three segments are in use at a time.
    #expect(peak.value <= 4)
    // POSIX AIO duplicates the descriptor of a file that the page cache did not serve alone.
    let duplicates = setup.kind == .posixAIO ? setup.configuration.posixAIODescriptors - 1 : 0
    let (open, found) = (rig.storage.files.openCount, Self.descriptors(below: rig.directory))
    #expect((0...open).contains { found == open + $0 * duplicates })
    rig.expectNothingHeld()
  }

  @Test(arguments: ReadSetup.shared)
  func droppingAForkClosesItsDescriptors(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 12, blocksPerSegment: 4)
    let directory = try TemporaryDirectory()
    try rig.image.write(to: directory, "base/5/77", blocksPerSegment: 4)
    let storage = StorageManager(engine: rig.engine, directory: directory.path, blocksPerSegment: 4)
    let backend = try rig.backend()
    let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: 77)
    do {
      let stream = ReadStream(rig.pool, backend, storage.open(locator), BlockRange(0..<12))
      #expect(try rig.drain(stream).count == 12)
      #expect(Self.descriptors(below: directory) >= 3)
    }
    storage.forget(locator)
    #expect(Self.descriptors(below: directory) == 0)
    #expect(storage.files.openCount == 0)
  }

  /// A segment in use stays open, however short descriptors are, and the limit holds again afterwards.
  @Test func aSegmentInUseIsNotClosed() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 24, blocksPerSegment: 4, filesMax: 1)
    let backend = try rig.backend()
    try rig.fork.withSegment(0) { file throws(IOError) in
      let descriptor = file.descriptor
      #expect(descriptor >= 0)
      for block in [UInt32(4), 8, 12] {
        #expect(throws: Never.self) { try Self.read(rig, backend, block) }
      }
      #expect(file.descriptor == descriptor)
      #expect(rig.storage.files.openCount == 2)
    }
    try Self.read(rig, backend, 16)
    #expect(rig.storage.files.openCount == 1)
  }

  /// Where the process has no more descriptors, one that is not in use is given up for the one that is needed.
  @Test(arguments: [EMFILE, ENFILE])
  func withoutDescriptorsAnotherSegmentIsClosedAndOpeningTriedAgain(number: Int32) throws {
    let files = FaultyFileSystem()
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 24, blocksPerSegment: 4, fileSystem: files)
    let backend = try rig.backend()
    for block in [UInt32(0), 4, 8] { try Self.read(rig, backend, block) }
    files.fail(number, opening: ".3", times: 2)
    try Self.read(rig, backend, 12)
    #expect(rig.storage.files.openCount == 2)
    // With nothing left to close it is an error.
    files.fail(number, opening: ".4")
    let stream = rig.stream(backend, BlockList([BlockNumber(16)]))
    #expect(throws: StorageError.self) { _ = try stream.next() }
    #expect(rig.storage.files.openCount == 0)
    files.heal()
    rig.pool.invalidate(rig.fork)
    try Self.read(rig, backend, 16)
  }
}

/// The largest of some numbers, noted by several threads.
final class Peak: Sendable {
  private let largest = Locked(0)
  func note(_ value: Int) { largest.withLock { $0 = max($0, value) } }
  var value: Int { largest.withLock { $0 } }
}
