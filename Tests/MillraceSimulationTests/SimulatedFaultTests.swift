import Glibc
import MillraceIO
import MillraceSimulation
import Testing

@Suite("faults of a simulated disk")
struct SimulatedFaultTests {
  private func disk(_ change: (inout FaultModel) -> Void) -> SimulatedDisk {
    var faults = FaultModel()
    change(&faults)
    return SimulatedDisk(seed: 9, faults: faults)
  }

  @Test("a bad sector fails until it is overwritten, and what lies before it can be read")
  func failsBadSector() throws {
    let disk = disk { $0.badSectorsFail = true }
    let file = try disk.make("f", bytes(1, 4 * 4096))
    disk.damageSector(2, of: "f")
    #expect(disk.badSectors(of: "f") == [2])
    #expect(file.read(4 * 4096, at: 0).bytes?.count == 2 * 4096)
    for _ in 0..<3 { #expect(file.read(1, at: 2 * 4096 + 17).error == -Int(EIO)) }
    #expect(file.read(10, at: 3 * 4096).bytes?.count == 10)
    #expect(file.write(bytes(2, 10), at: 2 * 4096) == -Int(EIO), "a part of it has to be read for that")
    #expect(disk.faultCounts.badSectorErrors == 4)
    disk.faults = .none
    #expect(file.read(4 * 4096, at: 0).bytes == bytes(1, 4 * 4096), "the data is there when faults are off")
    disk.faults.badSectorsFail = true
    #expect(file.write(bytes(2, 4096), at: 2 * 4096) == 4096)
    #expect(file.read(4096, at: 2 * 4096).bytes == bytes(2, 4096))
    #expect(disk.badSectors(of: "f") == [])
  }

  @Test("every class of fault comes up, alone, and is counted")
  func comesUp() throws {
    func run(_ change: (inout FaultModel) -> Void) throws -> FaultCounts {
      let disk = disk(change)
      let file = try disk.openFile("f", [.write, .create])
      for _ in 0..<200 {
        _ = file.write(bytes(1, 8192), at: 0)
        _ = file.read(8192, at: 0)
        _ = file.sync(dataOnly: true)
      }
      return disk.faultCounts
    }
    var expected = FaultCounts()
    #expect(try run { _ in } == expected)
    for change: @Sendable (inout FaultModel) -> Void in [
      { $0.tryAgain = 5 }, { $0.shortTransfers = 5 }, { $0.writeErrors = 5 }, { $0.syncErrors = 5 },
      {
        $0.latentSectorErrors = 5
        $0.badSectorsFail = true
      },
    ] {
      let counts = try run(change)
      expected = FaultCounts()
      let all = [
        counts.tryAgain, counts.shortTransfers, counts.writeErrors, counts.syncErrors, counts.badSectorErrors,
      ]
      #expect(all.count { $0 > 0 } == 1, "\(counts)")
      #expect((10...200).contains(all.reduce(0, +)), "\(counts)")
    }
  }

  @Test("a read-only disk refuses every change and lets everything be read")
  func isReadOnly() throws {
    let disk = SimulatedDisk(seed: 1)
    let file = try disk.make("f", [1, 2, 3])
    disk.faults.isReadOnly = true
    #expect(file.write([1], at: 0) == -Int(EROFS))
    #expect(file.allocate(at: 0, length: 1) == -Int64(EROFS))
    #expect(throws: IOError.self) { try file.truncate(to: 0) }
    #expect(throws: IOError.self) { try disk.remove("f") }
    #expect(throws: IOError.self) { try disk.rename("f", to: "g") }
    #expect(throws: IOError.self) { try disk.openFile("f", [.write]) }
    #expect(throws: IOError.self) { try disk.openFile("g", [.create]) }
    #expect(disk.faultCounts.readOnly == 7)
    #expect(try disk.openFile("f", []).read(3, at: 0).bytes == [1, 2, 3])
    #expect(file.sync(dataOnly: false) == 0)
  }

  @Test("models are drawn in swarm style: every class is on in some runs and off in others")
  func drawsSwarms() {
    var models: [FaultModel] = []
    for seed in 0..<200 {
      var random = SimulationRandom(seed: UInt64(seed))
      models.append(FaultModel(from: &random))
    }
    for isOn: (FaultModel) -> Bool in [
      { $0.latentSectorErrors > 0 }, { $0.writeErrors > 0 }, { $0.syncErrors > 0 }, { $0.shortTransfers > 0 },
      { $0.tryAgain > 0 }, { $0.isBounded }, { $0.losesUnsyncedWrites }, { $0.tearsUnsyncedWrites },
      { $0.losesUnsyncedNames },
    ] {
      #expect((20...180).contains(models.count(where: isOn)))
    }
    #expect(models.contains { $0.latentSectorErrors == 0 && $0.shortTransfers == 0 && $0.tryAgain == 0 })
  }
}

@Suite("crashes of a simulated disk")
struct SimulatedCrashTests {
  private func crashed(
    seed: UInt64, _ change: (inout FaultModel) -> Void, _ before: (SimulatedDisk, SimulatedFile) throws -> Void
  ) throws -> SimulatedDisk {
    var faults = FaultModel()
    faults.losesUnsyncedWrites = true
    change(&faults)
    let disk = SimulatedDisk(seed: seed)
    let file = try disk.make("f")
    try disk.syncDirectory("")
    disk.faults = faults
    try before(disk, file)
    disk.crash()
    return disk
  }

  @Test("what was synced survives, and files have to be opened again")
  func keepsSynced() throws {
    for seed in 0..<50 {
      let disk = try crashed(seed: UInt64(seed), { $0.tearsUnsyncedWrites = seed % 2 == 0 }) { _, file in
        #expect(file.write(bytes(1, 20_000), at: 0) == 20_000)
        #expect(file.sync(dataOnly: true) == 0)
        #expect(file.write(bytes(2, 4096), at: 4096) == 4096)
      }
      let contents = try #require(disk.contents(of: "f"))
      #expect(contents.count == 20_000)
      #expect([1, 2].contains(contents[4096]))
      #expect(contents[..<4096].allSatisfy { $0 == 1 } && contents[8192...].allSatisfy { $0 == 1 })
    }
  }

  @Test("a dead file says so, and closing it is harmless")
  func killsFiles() throws {
    let disk = SimulatedDisk(seed: 1)
    let file = try disk.make("f", [1])
    disk.crash()
    #expect(file.read(1, at: 0).error == -Int(EIO))
    #expect(file.write([1], at: 0) == -Int(EIO))
    #expect(file.sync(dataOnly: false) == -Int64(EIO))
    #expect(throws: IOError.self) { try file.size() }
    file.close()
    #expect(try disk.openFile("f", []).read(1, at: 0).bytes == [1])
  }

  @Test("without losses a crash ends only the process")
  func losesNothing() throws {
    let disk = try crashed(seed: 1, { $0.losesUnsyncedWrites = false }) { _, file in
      #expect(file.write(bytes(1, 20_000), at: 0) == 20_000)
    }
    #expect(disk.contents(of: "f") == bytes(1, 20_000))
  }

  /// The values of the first bytes of two sectors after a crash between whose writes nothing was synced.
  private func survivors(torn: Bool) throws -> Set<[UInt8]> {
    var seen: Set<[UInt8]> = []
    for seed in 0..<200 {
      let disk = try crashed(seed: UInt64(seed), { $0.tearsUnsyncedWrites = torn }) { _, file in
        #expect(file.write(bytes(1, 8192), at: 0) == 8192)
        #expect(file.sync(dataOnly: true) == 0)
        #expect(file.write(bytes(2, 8192), at: 0) == 8192)
        #expect(file.write(bytes(3, 4096), at: 0) == 4096)
      }
      let contents = try #require(disk.contents(of: "f"))
      // A sector is never torn in itself.
      #expect(Set(contents[..<4096]).count == 1 && Set(contents[4096...]).count == 1)
      seen.insert([contents[0], contents[4096]])
    }
    return seen
  }

  @Test("unsynced writes survive in any choice; torn, sector by sector")
  func tears() throws {
    // The later write may survive without the earlier one.
    #expect(try survivors(torn: false) == [[1, 1], [2, 2], [3, 1], [3, 2]])
    #expect(try survivors(torn: true) == [[1, 1], [1, 2], [2, 1], [2, 2], [3, 1], [3, 2]])
  }

  @Test("a length may survive without its bytes, which then are zero, and bytes without their length are gone")
  func losesLength() throws {
    var seen: Set<[Int]> = []
    for seed in 0..<100 {
      let disk = try crashed(seed: UInt64(seed), { $0.tearsUnsyncedWrites = true }) { _, file in
        #expect(file.write(bytes(1, 4096), at: 0) == 4096)
      }
      let contents = try #require(disk.contents(of: "f"))
      seen.insert([contents.count, Int(contents.first ?? 9)])
      // Whatever did not survive does not come back when the file grows.
      let file = try disk.openFile("f", [.write])
      if contents.isEmpty {
        try file.truncate(to: 4096)
        #expect(disk.contents(of: "f") == bytes(0, 4096))
      }
    }
    #expect(seen == [[0, 9], [4096, 0], [4096, 1]])
  }

  @Test("what a failed sync lost is not made good by the next one")
  func failedSyncLoses() throws {
    var lost = 0
    for seed in 0..<100 {
      let disk = try crashed(seed: UInt64(seed), { $0.syncErrors = 1 }) { disk, file in
        #expect(file.write(bytes(1, 4096), at: 0) == 4096)
        #expect(file.sync(dataOnly: true) == -Int64(EIO))
        disk.faults.syncErrors = 0
        #expect(file.sync(dataOnly: true) == 0)
        #expect(file.read(4096, at: 0).bytes == bytes(1, 4096), "reads still see it")
      }
      if disk.contents(of: "f") != bytes(1, 4096) { lost += 1 }
    }
    #expect((20...90).contains(lost))
  }

  @Test("names survive with their directory, or as far as the journal got")
  func losesNames() throws {
    var seen: Set<[String]> = []
    for seed in 0..<100 {
      let disk = try crashed(seed: UInt64(seed), { $0.losesUnsyncedNames = true }) { disk, _ in
        _ = try disk.make("d/a")
        try disk.syncDirectory("d")
        _ = try disk.make("d/b")
        try disk.rename("d/a", to: "d/c")
        try disk.remove("d/b")
      }
      seen.insert(try disk.list("d"))
    }
    #expect(seen == [["a"], ["a", "b"], ["b", "c"], ["c"]])
  }

  @Test("a file without a name after a crash is gone, and its space with it")
  func freesSpace() throws {
    let disk = SimulatedDisk(seed: 1)
    disk.faults.losesUnsyncedNames = true
    disk.faults.losesUnsyncedWrites = true
    let file = try disk.make("f", bytes(1, 4096))
    #expect(file.sync(dataOnly: false) == 0)
    try disk.syncDirectory("")
    try disk.remove("f")
    try disk.syncDirectory("")
    #expect(disk.usedBytes == 4096)
    disk.crash()
    #expect(disk.usedBytes == 0)
    #expect(!disk.exists("f"))
  }
}
