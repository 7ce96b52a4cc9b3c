import Foundation
import MillraceSimulation
import Testing

@testable import MillraceIO

/// A file system of each kind, and a directory in it.
struct FileSystemSetup: CustomTestStringConvertible {
  let testDescription: String
  let make: @Sendable () throws -> (fileSystem: IOFileSystem, root: String, keep: DiskDirectory?)

  static let all = [
    FileSystemSetup(testDescription: "local") {
      let directory = try DiskDirectory()
      return (LocalFileSystem(), directory.path, directory)
    },
    FileSystemSetup(testDescription: "simulated") {
      let disk = SimulatedDisk(seed: 1)
      disk.requiresDirectories = true
      try disk.makeDirectory("root")
      return (disk, "root", nil)
    },
    FileSystemSetup(testDescription: "simulated, told to try again") {
      var faults = FaultModel()
      (faults.tryAgain, faults.shortTransfers) = (3, 3)
      let disk = SimulatedDisk(seed: 1, faults: faults)
      try disk.makeDirectories("some/root")
      return (disk, "some/root", nil)
    },
  ]
}

@Suite("file systems")
struct FileSystemTests {
  private func failure(_ body: () throws -> Void) -> Int32? {
    do { try body() } catch { return (error as? IOError)?.errno }
    return nil
  }

  @Test("names are made, found, renamed and removed", arguments: FileSystemSetup.all)
  func handlesNames(setup: FileSystemSetup) throws {
    let (files, root, keep) = try setup.make()
    defer { withExtendedLifetime(keep) {} }
    #expect(try files.list(root) == [])
    #expect(try !files.exists("\(root)/f"))
    try files.open("\(root)/f", [.write, .create, .exclusive]).close()
    #expect(failure { try files.open("\(root)/f", [.write, .create, .exclusive]).close() } == EEXIST)
    #expect(try files.exists("\(root)/f"))
    try files.makeDirectory("\(root)/d")
    #expect(failure { try files.makeDirectory("\(root)/d") } == EEXIST)
    #expect(failure { try files.makeDirectory("\(root)/f") } == EEXIST)
    #expect(try files.exists("\(root)/d"))
    #expect(try files.list(root) == ["d", "f"])
    try files.rename("\(root)/f", to: "\(root)/d/g")
    #expect(try files.list(root) == ["d"])
    #expect(try files.list("\(root)/d") == ["g"])
    #expect(failure { try files.removeDirectory("\(root)/d") } == ENOTEMPTY)
    #expect(failure { try files.removeDirectory("\(root)/d/g") } == ENOTDIR)
    #expect(failure { try files.remove("\(root)/d") } == EISDIR)
    try files.makeDirectory("\(root)/x")
    #expect(failure { try files.rename("\(root)/d/g", to: "\(root)/x") } == EISDIR)
    try files.removeDirectory("\(root)/x")
    try files.rename("\(root)/d", to: "\(root)/e")
    #expect(try files.list("\(root)/e") == ["g"])
    try files.syncDirectory("\(root)/e")
    try files.remove("\(root)/e/g")
    try files.removeDirectory("\(root)/e")
    #expect(try !files.exists("\(root)/e"))
    try files.syncDirectory(root)
  }

  @Test("what is not there is said in PostgreSQL's words", arguments: FileSystemSetup.all)
  func missesNames(setup: FileSystemSetup) throws {
    let (files, root, keep) = try setup.make()
    defer { withExtendedLifetime(keep) {} }
    func message(_ body: () throws -> Void) -> String {
      do { try body() } catch { return "\(error)".replacing(root, with: "") }
      return ""
    }
    let missing = ": No such file or directory"
    #expect(message { _ = try files.open("\(root)/f", []) } == "could not open file \"/f\"" + missing)
    #expect(message { try files.remove("\(root)/f") } == "could not remove file \"/f\"" + missing)
    #expect(message { try files.removeDirectory("\(root)/f") } == "could not remove directory \"/f\"" + missing)
    #expect(message { _ = try files.list("\(root)/d") } == "could not open directory \"/d\"" + missing)
    #expect(
      message { try files.rename("\(root)/f", to: "\(root)/g") } == "could not rename file \"/f\" to \"/g\"" + missing)
  }

  @Test("nothing can be put into a directory that is not there", arguments: FileSystemSetup.all[..<2])
  func requiresDirectories(setup: FileSystemSetup) throws {
    let (files, root, keep) = try setup.make()
    defer { withExtendedLifetime(keep) {} }
    #expect(failure { _ = try files.open("\(root)/d/f", [.write, .create]) } == ENOENT)
    #expect(failure { try files.makeDirectory("\(root)/d/e") } == ENOENT)
    #expect(failure { try files.syncDirectory("\(root)/d") } == ENOENT)
    try files.makeDirectories("\(root)/d/e/f")
    try files.makeDirectories("\(root)/d/e/f")
    #expect(try files.list("\(root)/d") == ["e"])
    #expect(try files.list("\(root)/d/e") == ["f"])
    #expect(failure { try files.makeDirectories("") } == ENOENT || files is SimulatedDisk)
  }

  @Test("contents are replaced as a whole", arguments: FileSystemSetup.all)
  func writesDurably(setup: FileSystemSetup) throws {
    let (files, root, keep) = try setup.make()
    defer { withExtendedLifetime(keep) {} }
    #expect(failure { _ = try files.readAll("\(root)/f") } == ENOENT)
    for count in [0, 1, 8192, 100_000, 3] {
      let bytes = Pattern(seed: UInt64(count)).bytes(0..<count)
      try files.writeDurably("\(root)/f", bytes)
      #expect(try files.readAll("\(root)/f") == bytes)
      #expect(try files.list(root) == ["f"])
    }
    try files.removeDurably("\(root)/f")
    #expect(try files.list(root) == [])
    #expect(failure { try files.renameDurably("\(root)/f", to: "\(root)/g") } == ENOENT)
  }

  @Test("synchronous writes go through, on their own or direct", arguments: FileSystemSetup.all)
  func writesSynchronously(setup: FileSystemSetup) throws {
    let (files, root, keep) = try setup.make()
    defer { withExtendedLifetime(keep) {} }
    let memory = try IOMemory(byteCount: 8192)
    for (index, options) in [IOFileOptions.sync, .dataSync, [.dataSync, .direct]].enumerated() {
      memory.bytes.initializeMemory(as: UInt8.self, repeating: UInt8(index + 1))
      let file = try files.open("\(root)/f", options.union([.write, .create]))
      try file.writeWhole(at: 8192, UnsafeRawBufferPointer(memory.bytes))
      file.close()
      #expect(try files.readAll("\(root)/f")[8192...].allSatisfy { $0 == UInt8(index + 1) })
    }
  }

  @Test("the directory of a name is what stands before its last slash")
  func findsDirectories() {
    let paths = ["f": ".", "a/f": "a", "a/b/f": "a/b", "/f": "/", "/a/f": "/a"]
    for (path, directory) in paths { #expect(IOFileSystem.directory(of: path) == directory) }
  }
}

@Suite("file systems and crashes")
struct FileSystemCrashTests {
  @Test("a durable replacement leaves the old or the new contents, whatever a crash takes")
  func survivesAnywhere() throws {
    var seen: Set<[UInt8]> = []
    for seed in UInt64(0)..<200 {
      var faults = FaultModel()
      (faults.losesUnsyncedWrites, faults.tearsUnsyncedWrites, faults.losesUnsyncedNames) = (true, true, true)
      let disk = SimulatedDisk(seed: seed, sectorSize: 512, faults: faults)
      let (old, new) = ([UInt8](repeating: 1, count: 2000), [UInt8](repeating: 2, count: 3000))
      try disk.writeDurably("f", old)
      // Some step of the replacement fails, and then the machine.
      disk.faults.syncErrors = 3
      disk.faults.writeErrors = 3
      let isDone = (try? disk.writeDurably("f", new)) != nil
      disk.faults.syncErrors = 0
      disk.crash()
      let found = try disk.readAll("f")
      #expect(found == old && !isDone || found == new, "seed \(seed)")
      seen.insert(found)
    }
    #expect(seen.count == 2)
  }

  @Test("what a synchronous write brought survives, and what the cache held before does not come back over it")
  func synchronousWritesSurvive() throws {
    for seed in UInt64(0)..<200 {
      var faults = FaultModel()
      (faults.losesUnsyncedWrites, faults.tearsUnsyncedWrites) = (true, seed % 2 == 0)
      let disk = SimulatedDisk(seed: seed, sectorSize: 512, faults: faults)
      var random = SimulationRandom(seed: seed)
      let cached = try disk.openFile("f", [.write, .create])
      let through = try disk.openFile("f", [.write, seed % 3 == 0 ? .sync : .dataSync])
      try disk.syncDirectory(".")
      let memory = try IOMemory(byteCount: 4096)
      // For each sector, what it may hold: the last that went through, or anything later.
      var allowed = [Set<UInt8>](repeating: [0], count: 40)
      for round in UInt8(1)...60 {
        let (first, count) = (random.below(32), random.number(in: 1...8))
        memory.bytes.initializeMemory(as: UInt8.self, repeating: round)
        let isThrough = random.oneIn(3)
        try (isThrough ? through : cached).writeWhole(
          at: Int64(first * 512), UnsafeRawBufferPointer(rebasing: memory.bytes[..<(count * 512)]))
        for sector in first..<first + count {
          if isThrough { allowed[sector] = [round] } else { allowed[sector].insert(round) }
        }
      }
      disk.crash()
      let found = try disk.readAll("f")
      for sector in 0..<40 {
        let byte = sector * 512 < found.count ? found[sector * 512] : 0
        #expect(allowed[sector].contains(byte), "seed \(seed), sector \(sector)")
      }
    }
  }
}
