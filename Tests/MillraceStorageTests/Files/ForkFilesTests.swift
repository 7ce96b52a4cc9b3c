import Glibc
import MillraceSimulation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Files of relations come and go as PostgreSQL's do.
@Suite struct ForkFilesTests {
  static let locator = WriteRig.locator

  @Test(arguments: WriteSetup.places)
  func aForkIsMadeOnce(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    #expect(try !rig.storage.exists(Self.locator))
    let fork = try rig.storage.create(Self.locator)
    #expect(try rig.storage.exists(Self.locator))
    #expect(try fork.blockCount() == 0)
    #expect(rig.storage.open(Self.locator) === fork)
    let error = #expect(throws: IOError.self) { try rig.storage.create(Self.locator) }
    #expect(error?.description == "could not create file \"base/5/16384\": File exists")
    #expect(try rig.storage.create(Self.locator, isRedo: true) === fork)
    #expect(try rig.lengths() == ["16384": 0])
  }

  /// Also where another process, or this one before a crash, made the file.
  @Test(arguments: WriteSetup.places)
  func inRecoveryAFileMayBeThere(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    let backend = try rig.backend()
    try rig.fileSystem.writeDurably("\(rig.root)/base/5/16384", [UInt8](repeating: 7, count: 3 * 8192))
    #expect(throws: IOError.self) { try rig.storage.create(Self.locator) }
    let fork = try rig.storage.create(Self.locator, isRedo: true)
    #expect(try fork.blockCount() == 3)
    #expect(try fork.extend(by: 2, backend) == 3..<5)
    #expect(try rig.lengths() == ["16384": 4, "16384.1": 1])
  }

  @Test(arguments: WriteSetup.places)
  func forksAndTemporaryRelationsHaveFilesOfTheirOwn(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    for fork in ForkNumber.allCases { try rig.storage.create(Self.locator, fork) }
    try rig.storage.create(Self.locator, backend: 3)
    try rig.storage.create(Self.locator, .visibilityMap, backend: 12)
    try rig.storage.create(RelationLocator(tablespace: 1664, database: 0, relNumber: 1260))
    #expect(
      try rig.lengths().keys.sorted() == ["16384", "16384_fsm", "16384_init", "16384_vm", "t12_16384_vm", "t3_16384"])
    #expect(try rig.lengths("global").keys.sorted() == ["1260"])
  }

  @Test(arguments: WriteSetup.places)
  func aDatabasesDirectoryInATablespaceIsMadeWithItsFirstRelation(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    try rig.storage.create(RelationLocator(tablespace: 16400, database: 5, relNumber: 1))
    try rig.storage.create(RelationLocator(tablespace: 16400, database: 5, relNumber: 2))
    #expect(try rig.lengths("pg_tblspc/16400/PG_18_1/5").keys.sorted() == ["1", "2"])
    // A tablespace that is gone was dropped later in the log; recovery makes it again.
    let lost = RelationLocator(tablespace: 16500, database: 5, relNumber: 1)
    #expect(throws: IOError.self) { try rig.storage.create(lost) }
    try rig.storage.create(lost, isRedo: true)
    #expect(try rig.lengths("pg_tblspc/16500/PG_18_1/5").keys.sorted() == ["1"])
  }

  // MARK: Removing

  @Test(arguments: WriteSetup.places)
  func theFirstSegmentStaysEmptyUntilACheckpointThatBeginsLater(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    let backend = try rig.backend()
    for fork in [ForkNumber.main, .freeSpaceMap] {
      _ = try rig.storage.create(Self.locator, fork).extend(by: 10, backend)
    }
    rig.storage.syncRequests.beginCheckpoint()
    rig.storage.unlink(Self.locator)
    #expect(try rig.lengths() == ["16384": 0])
    // The checkpoint that was under way does not remove it, the next one does, at its end.
    _ = try rig.storage.syncRequests.syncAll(backend)
    rig.storage.syncRequests.endCheckpoint()
    #expect(try rig.lengths() == ["16384": 0])
    rig.storage.syncRequests.beginCheckpoint()
    #expect(try rig.lengths() == ["16384": 0])
    rig.storage.syncRequests.endCheckpoint()
    #expect(try rig.lengths() == [:])
    rig.storage.syncRequests.beginCheckpoint()
    rig.storage.syncRequests.endCheckpoint()
  }

  @Test(arguments: WriteSetup.places)
  func temporaryRelationsAndRecoverysGoAtOnce(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    let backend = try rig.backend()
    _ = try rig.storage.create(Self.locator, backend: 3).extend(by: 5, backend)
    _ = try rig.storage.create(Self.locator).extend(by: 5, backend)
    rig.storage.unlink(Self.locator, backend: 3)
    #expect(try rig.lengths() == ["16384": 4, "16384.1": 1])
    rig.storage.unlink(Self.locator, isRedo: true)
    #expect(try rig.lengths() == [:])
    // Nothing there is nothing to say.
    rig.storage.unlink(Self.locator, isRedo: true)
  }

  @Test(arguments: WriteSetup.places)
  func emptySegmentsBehindTheEndGoAsWell(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    let backend = try rig.backend()
    let fork = try rig.storage.create(Self.locator)
    _ = try fork.extend(by: 20, backend)
    try fork.truncate(to: 1)
    #expect(try rig.lengths() == ["16384": 1, "16384.1": 0, "16384.2": 0, "16384.3": 0, "16384.4": 0])
    rig.storage.unlink(Self.locator, isRedo: true)
    #expect(try rig.lengths() == [:])
  }

  /// What still refers to a removed fork neither finds nor changes the next one of that name.
  @Test(arguments: WriteSetup.places)
  func aRemovedForkDoesNotReachItsSuccessor(setup: WriteSetup) throws {
    let rig = try WriteRig(setup, filesMax: 1)
    let backend = try rig.backend()
    let old = try rig.storage.create(Self.locator)
    _ = try old.extend(by: 6, backend)
    rig.storage.unlink(Self.locator, isRedo: true)
    let new = try rig.storage.create(Self.locator)
    _ = try new.extend(by: 2, backend)
    #expect(new.id != old.id)
    #expect(throws: IOError.self) { try rig.write(old, 0, 9, backend) }
    #expect(throws: IOError.self) { try rig.write(old, 4, 9, backend) }
    try rig.write(new, 0, 1, backend)
    #expect(try rig.firstBytes("16384") == [1, 0])
  }
}
