import Glibc
import MillraceIO
import MillraceSimulation
import Testing

@Suite("a simulated disk without faults")
struct SimulatedDiskTests {
  @Test("holds what was written, wherever and however long", arguments: [512, 4096])
  func holdsBytes(sectorSize: Int) throws {
    let disk = SimulatedDisk(seed: 1, sectorSize: sectorSize)
    let file = try disk.make("f")
    var oracle: [UInt8] = []
    var random = SimulationRandom(seed: 5)
    for round in 0..<500 {
      let (offset, count) = (random.below(20_000), random.number(in: 1...9000))
      if random.oneIn(10) {
        try file.truncate(to: Int64(offset))
        oracle = Array(oracle.prefix(offset)) + bytes(0, max(offset - oracle.count, 0))
      } else if random.oneIn(10) {
        #expect(file.allocate(at: Int64(offset), length: Int64(count)) == 0)
        oracle += bytes(0, max(offset + count - oracle.count, 0))
      } else {
        #expect(file.write(bytes(UInt8(round % 251), count), at: offset) == count)
        oracle += bytes(0, max(offset + count - oracle.count, 0))
        oracle.replaceSubrange(offset..<offset + count, with: bytes(UInt8(round % 251), count))
      }
      let (from, length) = (random.below(30_000), random.number(in: 1...9000))
      #expect(file.read(length, at: from).bytes == Array(oracle.dropFirst(from).prefix(length)), "round \(round)")
      #expect(try file.size() == Int64(oracle.count))
    }
    #expect(disk.contents(of: "f") == oracle)
    #expect(disk.faultCounts == FaultCounts())
  }

  @Test("gathers and scatters over pieces of memory")
  func usesVectors() throws {
    let disk = SimulatedDisk(seed: 1)
    let file = try disk.make("f")
    let memory = try IOMemory(byteCount: 1000)
    for index in 0..<1000 { memory.bytes[index] = UInt8(truncatingIfNeeded: index) }
    let pieces = [(700, 100), (0, 0), (100, 250), (900, 1)].map {
      IOVector(base: memory.baseAddress + $0.0, byteCount: $0.1)
    }
    #expect(pieces.withUnsafeBufferPointer { $0.baseAddress.map { file.write($0, count: 4, at: 4000) } } == 351)
    let expected = (700..<800).map { UInt8(truncatingIfNeeded: $0) } + (100..<350).map { UInt8(truncatingIfNeeded: $0) }
    #expect(file.read(500, at: 4000).bytes == expected + [UInt8(truncatingIfNeeded: 900)])
    memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    #expect(pieces.withUnsafeBufferPointer { $0.baseAddress.map { file.read($0, count: 4, at: 4000) } } == 351)
    #expect(Array(memory.bytes[700..<800]) + Array(memory.bytes[100..<350]) == expected)
  }

  @Test("finds files by name, and says what is wrong as the system does")
  func findsFiles() throws {
    let disk = SimulatedDisk(seed: 1)
    func failure(_ body: () throws -> Void) -> String? {
      do { try body() } catch { return "\(error)" }
      return nil
    }
    #expect(
      failure { _ = try disk.openFile("base/1/2", []) } == "could not open file \"base/1/2\": No such file or directory"
    )
    let file = try disk.make("base/1/2", [1])
    #expect(
      failure { _ = try disk.openFile("base/1/2", [.create, .exclusive]) }
        == "could not open file \"base/1/2\": File exists")
    _ = try disk.make("base/1/10")
    _ = try disk.make("base/3")
    #expect(try disk.list("base/1") == ["10", "2"])
    #expect(try disk.list("base") == ["1", "3"])
    #expect(try disk.list("") == ["base"])
    try disk.rename("base/1/2", to: "base/1/3")
    #expect(!disk.exists("base/1/2"))
    #expect(file.read(1, at: 0).bytes == [1], "an open file follows its name")
    try disk.remove("base/1/3")
    #expect(file.read(1, at: 0).bytes == [1], "an open file outlives its name")
    #expect(failure { try disk.remove("base/1/3") } == "could not remove file \"base/1/3\": No such file or directory")
    #expect(
      failure { try disk.rename("a", to: "b") } == "could not rename file \"a\" to \"b\": No such file or directory")
    file.close()
    #expect(file.read(1, at: 0).error == -Int(EBADF))
    #expect(try disk.openFile("base/3", []).write([1], at: 0) == -Int(EBADF), "opened for reading")
    let truncated = try disk.make("base/4", [1, 2, 3])
    #expect(try disk.openFile("base/4", [.write, .truncate]).size() == 0)
    #expect(truncated.read(1, at: 0).bytes == [])
  }

  @Test("direct I/O is held to its alignment", arguments: [512, 4096])
  func holdsAlignment(sectorSize: Int) throws {
    let disk = SimulatedDisk(seed: 1, sectorSize: sectorSize)
    try disk.make("f", bytes(7, 3 * sectorSize + 5)).close()
    let file = try disk.openFile("f", [.write, .direct])
    #expect(file.alignment == DirectIOAlignment(memory: sectorSize, offset: sectorSize, source: .fileSystem))
    let memory = try IOMemory(byteCount: 4 * sectorSize)
    func transfer(_ start: Int, _ count: Int, _ offset: Int) -> [Int64] {
      withUnsafePointer(to: IOVector(base: memory.baseAddress + start, byteCount: count)) {
        [file.read($0, count: 1, at: Int64(offset)), file.write($0, count: 1, at: Int64(offset))]
      }
    }
    #expect(transfer(1, sectorSize, 0) == [-Int64(EINVAL), -Int64(EINVAL)])
    #expect(transfer(0, sectorSize, 1) == [-Int64(EINVAL), -Int64(EINVAL)])
    #expect(transfer(0, sectorSize - 1, 0) == [-Int64(EINVAL), -Int64(EINVAL)])
    #expect(transfer(0, 2 * sectorSize, 2 * sectorSize) == [Int64(sectorSize + 5), Int64(2 * sectorSize)])
    #expect(try file.size() == Int64(4 * sectorSize))
  }

  @Test("space is counted by sector, given back with the last user, and bounded only when it shall be")
  func countsSpace() throws {
    let disk = SimulatedDisk(seed: 1, capacity: 3 * 4096)
    let file = try disk.make("f", bytes(1, 5000))
    #expect(disk.usedBytes == 2 * 4096)
    var faults = FaultModel()
    faults.isBounded = true
    disk.faults = faults
    #expect(file.write(bytes(2, 3 * 4096), at: 4096) == 2 * 4096, "as far as it fits")
    #expect(file.write([1], at: 3 * 4096) == -Int(ENOSPC))
    #expect(file.write([1], at: 0) == 1, "what is there can be overwritten")
    #expect(file.allocate(at: 0, length: 4 * 4096) == -Int64(ENOSPC))
    #expect(disk.faultCounts.noSpace == 2)
    disk.faults = .none
    #expect(file.write([1], at: 3 * 4096) == 1)
    try file.truncate(to: 4096)
    #expect(disk.usedBytes == 4096)
    try disk.remove("f")
    #expect(disk.usedBytes == 4096)
    file.close()
    #expect(disk.usedBytes == 0)
  }
}
