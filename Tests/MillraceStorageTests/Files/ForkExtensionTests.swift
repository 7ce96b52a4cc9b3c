import Glibc
import MillraceSimulation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Forks grow and are cut off.
@Suite struct ForkExtensionTests {
  static let locator = WriteRig.locator

  @Test(arguments: WriteSetup.all)
  func newBlocksAreZerosAtTheEndInFullSegments(setup: WriteSetup) throws {
    let rig = try WriteRig(setup, blocksPerSegment: 20)
    let backend = try rig.backend()
    defer { backend.close() }
    let fork = try rig.storage.create(Self.locator)
    var end: UInt32 = 0
    for count in [1, 8, 9, 1, 1, 45, 3, 12] as [UInt32] {
      #expect(try fork.extend(by: count, backend) == end..<end + count)
      end += count
      #expect(try fork.blockCount() == end)
      let full = Int(end / 20)
      let lengths = try rig.lengths()
      #expect(lengths["16384"] == min(Int(end), 20))
      for segment in stride(from: 1, to: full, by: 1) { #expect(lengths["16384.\(segment)"] == 20) }
      if end % 20 > 0, full > 0 { #expect(lengths["16384.\(full)"] == Int(end % 20)) }
    }
    for segment in 0..<4 {
      let bytes = try rig.fileSystem.readAll("\(rig.root)/base/5/16384\(segment == 0 ? "" : ".\(segment)")")
      #expect(bytes.allSatisfy { $0 == 0 })
    }
    // Another process finds the same.
    let again = StorageManager(
      engine: rig.engine, directory: rig.root, blocksPerSegment: 20, fileSystem: rig.fileSystem)
    #expect(try again.open(Self.locator).blockCount() == end)
  }

  @Test(arguments: WriteSetup.all.filter { $0.reads?.exclusive != true && $0.reads != nil })
  func everyThreadIsGivenBlocksOfItsOwn(setup: WriteSetup) throws {
    let rig = try WriteRig(setup, blocksPerSegment: 16, filesMax: 3)
    let fork = try rig.storage.create(Self.locator)
    let threads = try (0..<4).map { number in
      try TestThread("extender \(number)") { () -> [Range<UInt32>] in
        let backend = try rig.backend("extender \(number)")
        defer { backend.close() }
        var random = SeededGenerator(seed: UInt64(number))
        var ranges: [Range<UInt32>] = []
        for _ in 0..<50 {
          let range = try fork.extend(by: UInt32(1 + random.below(24)), backend)
          // They are there: the last one can be written, and the fork ends behind it.
          try rig.write(fork, range.upperBound - 1, UInt8(number + 1), backend)
          #expect(try fork.blockCount() >= range.upperBound)
          ranges.append(range)
        }
        return ranges
      }
    }
    var owners: [UInt32: UInt8] = [:]
    var ranges: [Range<UInt32>] = []
    for (number, thread) in threads.enumerated() {
      for range in try thread.join() {
        ranges.append(range)
        owners[range.upperBound - 1] = UInt8(number + 1)
      }
    }
    ranges.sort { $0.lowerBound < $1.lowerBound }
    #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    let end = try #require(ranges.last).upperBound
    #expect(try fork.blockCount() == end)
    #expect(try fork.countedBlocks() == end)
    for segment in 0...Int((end - 1) / 16) {
      for (offset, byte) in try rig.firstBytes(segment == 0 ? "16384" : "16384.\(segment)").enumerated() {
        #expect(byte == owners[UInt32(segment * 16 + offset)] ?? 0)
      }
    }
  }

  @Test func aForkThatWasNotMadeCannotGrow() throws {
    let rig = try WriteRig(WriteSetup.places[0])
    let backend = try rig.backend()
    let fork = rig.storage.open(Self.locator)
    let error = #expect(throws: IOError.self) { try fork.extend(by: 1, backend) }
    #expect(error?.description == "could not open file \"base/5/16384\": No such file or directory")
    try rig.storage.create(Self.locator)
    #expect(try fork.extend(by: 1, backend) == 0..<1)
  }

  /// The disk is full: an error, nothing lost, and all goes on when there is room again.
  @Test(arguments: FileExtendMethod.allCases)
  func aFullDiskIsAnErrorAndNoMore(method: FileExtendMethod) throws {
    var faults = FaultModel()
    faults.isBounded = true
    let rig = try WriteRig(WriteSetup(extendMethod: method), blocksPerSegment: 16, faults: faults)
    let disk = try #require(rig.disk)
    let backend = try rig.backend()
    disk.capacity = 40 * 8192
    let fork = try rig.storage.create(Self.locator)
    #expect(try fork.extend(by: 30, backend) == 0..<30)
    for count in [UInt32(11), 20, 12] {
      let error = #expect(throws: IOError.self) { try fork.extend(by: count, backend) }
      #expect(error?.errno == ENOSPC)
      #expect(error?.description.hasPrefix("could not extend file \"base/5/16384") ?? false)
      #expect(StorageError.io(try #require(error), blocks: 0..<0).hint == "Check free disk space.")
      #expect(try fork.blockCount() == 30)
    }
    disk.capacity = 100 * 8192
    #expect(try fork.extend(by: 12, backend) == 30..<42)
    #expect(try fork.countedBlocks() == 42)
  }

  /// A range in the middle fails, and the one behind it is there: what lies between is new pages.
  @Test func aRangeThatFailedUnderALaterOneIsNewPages() {
    let size = ForkSize()
    #expect(size.learn(10) {} == 10)
    let (first, second, third) = (size.begin(5), size.begin(5), size.begin(5))
    #expect([first, second, third] == [10..<15, 15..<20, 20..<25])
    size.end(10..<15, isDone: false) {
      Issue.record("others are in the making"); return nil
    }
    size.end(15..<20, isDone: true) {
      Issue.record("others are in the making"); return nil
    }
    #expect(size.blocks == 20)
    var trims = 0
    size.end(20..<25, isDone: false, recount: { 20 }, trim: { trims += 1 })
    #expect(trims == 1)
    #expect(size.blocks == 20)
    #expect(size.begin(1) == 20..<21)
  }

  /// The last ones fail, in whichever order: the next range follows the last that is there.
  @Test(arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
  func failedRangesAtTheEndAreGivenOutAgain(order: [Int]) throws {
    for failing in 0..<8 {
      let size = ForkSize()
      _ = size.learn(0) {}
      let ranges = try (0..<3).map { _ in try #require(size.begin(4)) }
      var files: UInt32 = 0
      for index in order {
        let isDone = failing & 1 << index == 0
        if isDone { files = max(files, ranges[index].upperBound) }
        size.end(ranges[index], isDone: isDone) { files }
      }
      #expect(size.blocks == files)
      #expect(size.begin(1) == files..<files + 1)
    }
  }

  @Test func noForkHasMoreBlocksThanNumbers() throws {
    let size = ForkSize()
    _ = size.learn(.max - 3) {}
    #expect(size.begin(4) == nil)
    #expect(size.begin(3) == .max - 3..<UInt32.max)
    #expect(size.begin(1) == nil)
  }

  // MARK: Cutting off

  @Test(arguments: WriteSetup.all)
  func cuttingOffEmptiesSegmentsAndGrowingAgainGivesZeros(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    let backend = try rig.backend()
    defer { backend.close() }
    let fork = try rig.storage.create(Self.locator)
    _ = try fork.extend(by: 14, backend)
    for block in UInt32(0)..<14 { try rig.write(fork, block, 7, backend) }
    for blocks in [UInt32(14), 13, 12, 9, 8, 4, 3, 0] {
      try fork.truncate(to: blocks)
      #expect(try fork.blockCount() == blocks)
      #expect(try fork.countedBlocks() == blocks)
      let kept = try rig.lengths().values.reduce(0, +)
      #expect(kept == blocks)
    }
    #expect(try rig.lengths().count == 4)
    #expect(try fork.extend(by: 10, backend) == 0..<10)
    for segment in ["16384", "16384.1", "16384.2"] {
      #expect(try rig.firstBytes(segment).allSatisfy { $0 == 0 })
    }
    #expect(try rig.lengths() == ["16384": 4, "16384.1": 4, "16384.2": 2, "16384.3": 0])
    let error = #expect(throws: IOError.self) { try fork.truncate(to: 11) }
    #expect(
      error?.description
        == "could not truncate file \"base/5/16384\" to 11 blocks: it's only 10 blocks now: Invalid argument")
    try fork.truncate(to: 11, isRedo: true)
    #expect(try fork.blockCount() == 10)
  }

  /// Cutting off was interrupted, so that segments with old pages lie behind the end: they do not come back.
  @Test(arguments: WriteSetup.places)
  func whatLiesBehindTheEndDoesNotComeBack(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    let backend = try rig.backend()
    let old = [UInt8](repeating: 7, count: 4 * 8192)
    try rig.fileSystem.writeDurably("\(rig.root)/base/5/16384", Array(old.prefix(2 * 8192)))
    for segment in 1...2 { try rig.fileSystem.writeDurably("\(rig.root)/base/5/16384.\(segment)", old) }
    let fork = rig.storage.open(Self.locator)
    #expect(try fork.blockCount() == 2)
    #expect(try fork.extend(by: 7, backend) == 2..<9)
    #expect(try rig.firstBytes("16384") == [7, 7, 0, 0])
    #expect(try rig.firstBytes("16384.1") == [0, 0, 0, 0])
    #expect(try rig.firstBytes("16384.2") == [0])
  }

  @Test func recoveryExtendsToWhereARecordPoints() throws {
    let rig = try WriteRig(WriteSetup.places[1])
    let backend = try rig.backend()
    let fork = try rig.storage.create(Self.locator, isRedo: true)
    try fork.extend(to: 9, backend)
    try fork.extend(to: 4, backend)
    #expect(try fork.blockCount() == 9)
  }
}
