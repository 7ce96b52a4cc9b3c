import MillraceIO
import MillraceSimulation
import Testing

@testable import MillraceStorage

/// Files that mean nothing after a crash.
@Suite struct StartupFilesTests {
  static let page = [UInt8](repeating: 1, count: 8192)
  static let other = [UInt8](repeating: 2, count: 2 * 8192)

  private func fill(_ rig: WriteRig, _ directory: String, _ names: [String]) throws {
    for name in names {
      try rig.fileSystem.writeDurably(
        "\(rig.root)/\(directory)/\(name)", name.contains("init") ? Self.page : Self.other)
    }
  }

  @Test(arguments: WriteSetup.places)
  func halfABlockAtTheEndOfARelationIsCutOff(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    try rig.fileSystem.writeDurably("\(rig.root)/base/5/1", Self.other + Self.page.prefix(4096))
    try rig.fileSystem.writeDurably("\(rig.root)/base/5/1_fsm", Array(Self.page.prefix(1)))
    try rig.fileSystem.writeDurably("\(rig.root)/base/5/pg_filenode.map", Array(Self.page.prefix(512)))
    try rig.storage.trimToWholeBlocks()
    #expect(try rig.fileSystem.readAll("\(rig.root)/base/5/1") == Self.other)
    #expect(try rig.fileSystem.readAll("\(rig.root)/base/5/1_fsm").isEmpty)
    #expect(try rig.fileSystem.readAll("\(rig.root)/base/5/pg_filenode.map").count == 512)
  }

  @Test(arguments: WriteSetup.places)
  func unloggedRelationsAreMadeAgainFromTheirInitializationForks(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    let tablespace = "pg_tblspc/16400/PG_18_1/7"
    try rig.fileSystem.makeDirectory("\(rig.root)/\(tablespace)")
    let unlogged = ["1", "1.1", "1_fsm", "1_init", "1_vm"]
    let others = ["2", "2_fsm", "t3_1", "PG_VERSION", "pg_filenode.map"]
    for directory in ["base/5", tablespace] { try fill(rig, directory, unlogged + others) }
    // What was known of the files before is forgotten.
    let fork = rig.storage.open(RelationLocator(tablespace: 16400, database: 7, relNumber: 1))
    #expect(try fork.blockCount() == 2)

    try rig.storage.removeUnloggedRelations()
    for directory in ["base/5", tablespace] {
      #expect(try rig.fileSystem.list("\(rig.root)/\(directory)") == (["1_init"] + others).sorted())
    }
    try rig.storage.resetUnloggedRelations()
    for directory in ["base/5", tablespace] {
      #expect(try rig.fileSystem.list("\(rig.root)/\(directory)") == (["1", "1_init"] + others).sorted())
      #expect(try rig.fileSystem.readAll("\(rig.root)/\(directory)/1") == Self.page)
      #expect(try rig.fileSystem.readAll("\(rig.root)/\(directory)/2") == Self.other)
    }
    let again = rig.storage.open(RelationLocator(tablespace: 16400, database: 7, relNumber: 1))
    #expect(again !== fork)
    #expect(try again.blockCount() == 1)
    // It is durable without a checkpoint.
    rig.disk?.faults.losesUnsyncedWrites = true
    rig.disk?.faults.losesUnsyncedNames = true
    rig.disk?.crash()
    #expect(try rig.fileSystem.readAll("\(rig.root)/\(tablespace)/1") == Self.page)
  }

  @Test(arguments: WriteSetup.places)
  func temporaryRelationsOfSessionsThatAreGoneAreRemoved(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    try fill(rig, "base/5", ["1", "t3_1", "t3_1.1", "t12_9_fsm", "t3", "pgsql_tmp"])
    try rig.storage.removeTemporaryRelations()
    #expect(try rig.fileSystem.list("\(rig.root)/base/5") == ["1", "pgsql_tmp", "t3"])
    // A cluster without any directory of relations has none.
    let empty = StorageManager(
      engine: rig.engine, directory: "\(rig.root)/global", fileSystem: rig.fileSystem, isWritable: true)
    try empty.removeTemporaryRelations()
    try empty.removeUnloggedRelations()
    try empty.resetUnloggedRelations()
  }
}
