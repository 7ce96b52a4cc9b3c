import MillraceIO
import MillraceSettings
import MillraceSimulation
import Testing

@testable import MillraceEngine
@testable import MillraceStorage
@testable import MillraceWAL

/// What opening a cluster does with the files of temporary and of unlogged relations.
@Suite struct StartupFilesTests {
  private static let directory = "cluster/base/5"
  private static let page = [UInt8](repeating: 1, count: PageLayout.blockSize)
  private static let other = [UInt8](repeating: 2, count: 3 * PageLayout.blockSize)

  private func files(_ rig: EngineRig) throws -> [String: [UInt8]] {
    let disk = try #require(rig.disk)
    var files: [String: [UInt8]] = [:]
    for name in try disk.list(Self.directory) where RelationFileName(name).map({ $0.relNumber > 20_000 }) == true {
      files[name] = disk.contents(of: "\(Self.directory)/\(name)")
    }
    return files
  }

  private func make(_ rig: EngineRig, _ files: [String: [UInt8]]) throws {
    for (name, bytes) in files { try rig.fileSystem.writeDurably("\(Self.directory)/\(name)", bytes) }
  }

  @Test("temporary relations go at every start, unlogged ones are emptied after a crash only")
  func files() throws {
    let rig = try EngineRig(seed: 1)
    let database = try rig.open()
    let unlogged = ["20001": Self.other, "20001_fsm": Self.other, "20001_init": Self.page, "20002": Self.other]
    try make(rig, unlogged.merging(["t3_20003": Self.other, "t3_20003_vm": Self.page]) { first, _ in first })
    try database.close()
    try rig.restart(seed: 2)
    let again = try rig.open()
    #expect(try files(rig) == unlogged)
    try make(rig, ["t9_20004": Self.other])
    again.crash()
    rig.simulation?.kill()
    try rig.restart(seed: 3)
    let recovered = try rig.open()
    let expected = ["20001": Self.page, "20001_init": Self.page, "20002": Self.other]
    #expect(try files(rig) == expected)
    // What it did is durable.
    rig.disk?.faults.losesUnsyncedWrites = true
    rig.disk?.faults.losesUnsyncedNames = true
    recovered.crash()
    rig.simulation?.crash()
    #expect(try files(rig) == expected)
  }

  @Test("an unlogged relation that only the log knows of is made from what recovery makes of its initialization fork")
  func recovered() throws {
    let rig = try EngineRig(seed: 1)
    let database = try rig.open()
    let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: 20_001)
    let session = try database.makeSession("test")
    let memory = MemoryPage(block: 0)
    let builder = session.builder
    for fork in [ForkNumber.main, .initialization] {
      builder.begin(.storage, info: StorageRecordKind.create.rawValue | WALRecordInfo.specialRelationUpdate)
      StorageCreateRecord(locator, fork).append(to: builder)
      _ = try session.log()
    }
    builder.begin(.xlog, info: XLOGRecordKind.fullPageImage.rawValue)
    builder.registerBlock(
      0, locator, .initialization, BlockNumber(0), page: memory.page.editor.base, flags: [.forceImage, .standard])
    let end = try session.log()
    try database.flushLog(upTo: end, session.backend)
    // A crash, with nothing of it in any file.
    database.crash()
    rig.simulation?.crash()
    try rig.restart(seed: 2)
    let again = try rig.open()
    let found = try files(rig)
    #expect(found.keys.sorted() == ["20001", "20001_init"])
    #expect(found["20001"]?.count == PageLayout.blockSize && found["20001"] == found["20001_init"])
    try again.close()
  }

  @Test("a crash in the midst of it is recovered from", arguments: 1...40)
  func interrupted(operations: Int) throws {
    let rig = try EngineRig(seed: UInt64(operations))
    let database = try rig.open()
    try make(rig, ["20001": Self.other, "20001_vm": Self.other, "20001_init": Self.page, "t3_20003": Self.other])
    database.crash()
    rig.simulation?.crash()
    rig.disk?.faults.losesUnsyncedNames = true
    rig.disk?.faults.losesUnsyncedWrites = true
    try rig.restart(seed: 2)
    rig.disk?.powerOff(after: operations * 4)
    let interrupted = try? rig.open()
    rig.simulation?.crash()
    interrupted?.crash()
    try rig.restart(seed: 3)
    let again = try rig.open()
    #expect(try files(rig) == ["20001": Self.page, "20001_init": Self.page])
    try again.close()
  }
}
