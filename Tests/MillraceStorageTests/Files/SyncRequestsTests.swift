import Glibc
import MillraceSimulation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// What is written is made durable by the next checkpoint.
@Suite struct SyncRequestsTests {
  static let locator = WriteRig.locator

  @Test(arguments: WriteSetup.all)
  func eachSegmentIsSyncedOnceHoweverOftenItIsWritten(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    let backend = try rig.backend()
    defer { backend.close() }
    let requests = rig.storage.syncRequests
    let fork = try rig.storage.create(Self.locator)
    _ = try fork.extend(by: 10, backend)
    #expect(requests.count == 3)
    let report = try requests.syncAll(backend)
    #expect(report.files == 3)
    #expect(report.directories == 1)
    #expect(report.longest <= report.elapsed)
    #expect(report.total >= report.longest)
    #expect(requests.count == 0)
    for _ in 0..<3 { for block in [UInt32(0), 1, 9] { try rig.write(fork, block, 1, backend) } }
    #expect(requests.count == 2)
    #expect(try requests.syncAll(backend).files == 2)
    #expect(try requests.syncAll(backend).files == 0)
    try rig.write(fork, 4, 1, backend, withoutSync: true)
    #expect(requests.count == 0)
    try fork.sync(backend)
    try fork.truncate(to: 5)
    #expect(try requests.syncAll(backend).files == 2)
  }

  @Test(arguments: WriteSetup.places)
  func temporaryAndForgottenRelationsAreNotSynced(setup: WriteSetup) throws {
    let rig = try WriteRig(setup)
    let backend = try rig.backend()
    let requests = rig.storage.syncRequests
    _ = try rig.storage.create(Self.locator, backend: 3).extend(by: 10, backend)
    #expect(requests.count == 0)
    let fork = try rig.storage.create(Self.locator)
    _ = try fork.extend(by: 10, backend)
    rig.storage.unlink(Self.locator, isRedo: true)
    #expect(try requests.syncAll(backend).files == 0)
    #expect(requests.count == 0)
    withExtendedLifetime(fork) {}
  }

  @Test func withoutFsyncNothingIsSynced() throws {
    let rig = try WriteRig(WriteSetup.places[0], syncPolicy: .nothingIsSynced)
    let backend = try rig.backend()
    let fork = try rig.storage.create(Self.locator)
    _ = try fork.extend(by: 10, backend)
    #expect(try rig.storage.syncRequests.syncAll(backend) == SyncReport())
    #expect(rig.storage.syncRequests.count == 0)
    try fork.sync(backend)
  }

  /// All of them are in flight at once: each ends only when all have begun.
  @Test func filesAreSyncedTogether() throws {
    let files = SyncedFileSystem(meeting: 4)
    var configuration = IOConfiguration(method: .worker)
    configuration.workers = WorkerPoolConfiguration(fixed: 4)
    let engine = try IOEngine(configuration)
    let storage = StorageManager(
      engine: engine, directory: "", blocksPerSegment: 4, fileSystem: files, isWritable: true)
    let backend = try engine.makeBackend("test")
    for number in 1...4 {
      let fork = storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: OID(number)))
      try fork.withSegment(0) { $0.requestSync() }
    }
    let report = try storage.syncRequests.syncAll(backend)
    #expect(report.files == 4)
  }

  // MARK: Failures

  @Test func aFailureIsFinal() throws {
    let rig = try WriteRig(WriteSetup.places[1])
    let backend = try rig.backend()
    let requests = rig.storage.syncRequests
    let fork = try rig.storage.create(Self.locator)
    _ = try fork.extend(by: 6, backend)
    rig.disk?.faults.syncErrors = 1
    let error = try #require(#expect(throws: StorageError.self) { try requests.syncAll(backend) })
    #expect(error.message.hasPrefix("could not fsync file \"base/5/16384"))
    #expect(error.message.hasSuffix(": Input/output error"))
    if case .syncFailed(let cause) = error.code { #expect(cause.errno == EIO) } else { Issue.record("another code") }
    #expect(requests.failure == error)
    // Asking again would succeed, and say nothing of what was lost.
    rig.disk?.faults.syncErrors = 0
    #expect(throws: error) { try requests.syncAll(backend) }
    #expect(throws: error) { try fork.sync(backend) }
  }

  @Test func aFailureIsRetriedWhereThatIsConfigured() throws {
    let rig = try WriteRig(WriteSetup.places[1], syncPolicy: .failureIsRetried)
    let backend = try rig.backend()
    let requests = rig.storage.syncRequests
    let fork = try rig.storage.create(Self.locator)
    _ = try fork.extend(by: 6, backend)
    rig.disk?.faults.syncErrors = 1
    #expect(throws: StorageError.self) { try requests.syncAll(backend) }
    #expect(requests.failure == nil)
    #expect(requests.count == 2)
    rig.disk?.faults.syncErrors = 0
    let report = try requests.syncAll(backend)
    #expect(report.files == 2)
    #expect(report.directories == 1)
  }

  @Test func aDirectoryThatCannotBeSyncedIsAFailure() throws {
    let rig = try WriteRig(WriteSetup.places[1])
    let backend = try rig.backend()
    try rig.storage.create(Self.locator, durably: true)
    _ = try rig.storage.syncRequests.syncAll(backend)
    rig.storage.syncRequests.addDirectory("\(rig.root)/base/5")
    rig.storage.syncRequests.addDirectory("\(rig.root)/base/6")
    // One that is gone needs none.
    #expect(try rig.storage.syncRequests.syncAll(backend).directories == 1)
    rig.storage.syncRequests.addDirectory("\(rig.root)/base/5")
    rig.disk?.faults.syncErrors = 1
    let error = #expect(throws: StorageError.self) { try rig.storage.syncRequests.syncAll(backend) }
    #expect(error?.message == "could not fsync directory \"data/base/5\": Input/output error")
  }

  // MARK: Many threads

  /// Who finds a file marked by somebody who has yet to put it on the list relies on the round that begins next.
  @Test func aRoundWaitsForTheRequestThatOthersRelyOn() throws {
    let engine = try IOEngine(IOConfiguration(method: .sync))
    let storage = StorageManager(
      engine: engine, directory: "", blocksPerSegment: 4, filesMax: 5, fileSystem: SyncedFileSystem(), isWritable: true)
    let fork = storage.open(Self.locator)
    let requests = storage.syncRequests
    var marked: SegmentFile?
    try fork.withSegment(0) { file in
      #expect(requests.mark(file))
      marked = file
    }
    let isBegun = AtomicFlag()
    let round = try TestThread("second writer, then a round") {
      try fork.withSegment(0) { $0.requestSync() }
      isBegun.set()
      return try requests.syncAll(engine.makeBackend("checkpointer")).files
    }
    // Long enough for a round that does not wait to be over.
    while !isBegun.isSet { sched_yield() }
    for _ in 0..<10_000 { sched_yield() }
    requests.push(try #require(marked))
    #expect(try round.join() == 1)
  }

  /// Whatever was written when a round began is synced when it has ended, however writes and rounds fall together.
  @Test func noWriteIsForgotten() throws {
    let files = SyncedFileSystem()
    let engine = try IOEngine(IOConfiguration(method: .sync))
    let storage = StorageManager(
      engine: engine, directory: "", blocksPerSegment: 4, filesMax: 5, fileSystem: files, isWritable: true)
    let forks = (1...3).map { storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: OID($0))) }
    let writers = try (0..<3).map { number in
      try TestThread("writer \(number)") {
        var random = SeededGenerator(seed: UInt64(number))
        for _ in 0..<5000 {
          try forks[random.below(3)].withSegment(random.below(3)) { file in
            files.write(file.location) { file.requestSync() }
          }
        }
      }
    }
    let backend = try engine.makeBackend("checkpointer")
    for _ in 0..<200 {
      let before = files.requested
      _ = try storage.syncRequests.syncAll(backend)
      for (path, written) in before { #expect(files.synced(path) >= written) }
    }
    for writer in writers { try writer.join() }
    _ = try storage.syncRequests.syncAll(backend)
    for (path, written) in files.requested { #expect(files.synced(path) >= written) }
    #expect(storage.syncRequests.count == 0)
  }
}
