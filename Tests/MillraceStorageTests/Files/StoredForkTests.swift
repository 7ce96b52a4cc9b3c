import Foundation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Forks, their segments and their identities.
@Suite struct StoredForkTests {
  /// Facts, scenario 59's ground: what a fork consists of, whatever its last segment looks like.
  @Test(arguments: [0, 1, 3, 4, 5, 8, 9, 12])
  func blocksAreCountedOverSegments(blocks: Int) throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: blocks, blocksPerSegment: 4)
    #expect(try rig.fork.blockCount() == UInt32(blocks))
  }

  @Test func aPartialBlockAtTheEndDoesNotCount() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 6, blocksPerSegment: 4)
    try rig.truncate(segment: 1, toBytes: 8192 + 5000)
    #expect(try rig.fork.blockCount() == 5)
    try rig.truncate(segment: 1, toBytes: 100)
    #expect(try rig.fork.blockCount() == 4)
    // A short segment ends the fork, whatever comes behind it.
    try rig.truncate(segment: 0, toBytes: 2 * 8192)
    #expect(try rig.fork.blockCount() == 2)
  }

  @Test func aForkWithoutFilesHasNoBlocks() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync))
    let missing = rig.storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: 99))
    #expect(try missing.blockCount() == 0)
  }

  @Test func aForkThatCannotBeLookedAtIsAnError() throws {
    let files = FaultyFileSystem()
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 12, fileSystem: files)
    files.fail(EACCES, opening: ".1")
    #expect(throws: IOError.self) { try rig.fork.blockCount() }
  }

  /// The I/O of an exclusive backend is reaped by nobody but its own thread, which is the one that waits here.
  @Test(arguments: ReadSetup.methods)
  func whoForgetsAForkCompletesItsOwnIOOnIt(setup: ReadSetup) throws {
    let rig = try StorageRig(setup)
    let backend = try rig.backend()
    defer { backend.close() }
    var references: [IOReference] = []
    for _ in 0..<3 {
      references.append(
        try rig.fork.withSegment(0) { file throws(IOError) in backend.acquire().start(.fdatasync, file) })
    }
    rig.storage.forget(StorageRig.locator, by: backend)
    for reference in references { #expect(backend.isCompleted(reference)) }
  }

  /// Where the last user of a fork lets go of it there is no thread that could be told to reap.
  @Test(.enabled(if: ReadSetup.methods.contains { $0.exclusive }))
  func aForkIsNotLetGoWithIOOfAnExclusiveBackendOnIt() async throws {
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let engine = try IOEngine(ReadSetup(kind: .ioUring).configuration)
      let backend = try engine.makeBackend("exclusive", exclusive: true)
      let directory = try TemporaryDirectory()
      try directory.write([UInt8](repeating: 0, count: 8192), to: "base/5/1")
      do {
        let storage = StorageManager(engine: engine, directory: directory.path)
        let fork = storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: 1))
        _ = try fork.withSegment(0) { file throws(IOError) in backend.acquire().start(.fdatasync, file) }
      }
      backend.close()
    }
    #expect(
      String(decoding: result.standardErrorContent, as: UTF8.self)
        .contains("a file was let go with I/O of an exclusive backend in flight"))
  }

  @Test func theSameForkIsTheSameObjectUntilItIsForgotten() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync))
    #expect(rig.storage.open(StorageRig.locator) === rig.fork)
    #expect(rig.storage.open(StorageRig.locator, .freeSpaceMap) !== rig.fork)
    #expect(rig.storage.open(StorageRig.locator, backend: 3) !== rig.fork)
    rig.storage.forget(StorageRig.locator)
    let next = rig.storage.open(StorageRig.locator)
    #expect(next !== rig.fork)
    #expect(next.id != rig.fork.id)
  }

  @Test func pathsAreThoseOfPostgreSQL() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync))
    let storage = StorageManager(engine: rig.engine, directory: "/data", versionDirectory: "PG_18_202506291")
    func path(_ tablespace: OID, _ fork: ForkNumber = .main, backend: UInt32? = nil) -> String {
      let locator = RelationLocator(tablespace: tablespace, database: tablespace == 1664 ? 0 : 5, relNumber: 7)
      return storage.open(locator, fork, backend: backend).path
    }
    #expect(path(1663) == "base/5/7")
    #expect(path(1664, .visibilityMap) == "global/7_vm")
    #expect(path(1663, backend: 3) == "base/5/t3_7")
    #expect(path(16400, .freeSpaceMap) == "pg_tblspc/16400/PG_18_202506291/5/7_fsm")
  }

  // MARK: Identity

  /// A relation is dropped and its file number used again: pages of the old one are never taken for the new one's, in
  /// the pool or through a descriptor.
  @Test(arguments: ReadSetup.paths)
  func aRecycledFileNumberIsAnotherRelation(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 12, blocksPerSegment: 4)
    let backend = try rig.backend()
    #expect(try rig.drain(rig.stream(backend, BlockRange(0..<12))).count == 12)

    rig.storage.forget(StorageRig.locator)
    let successor = RelationImage.shared(blocks: 12, seed: 2)
    try Self.replaceFiles(of: rig, with: successor)
    let fork = rig.storage.open(StorageRig.locator)
    let stream = ReadStream(rig.pool, backend, fork, BlockRange(0..<12), configuration: rig.streamConfiguration)
    var block: UInt32 = 0
    while let page = try stream.next() {
      #expect(successor.holds(page.bytes, block))
      block += 1
    }
    #expect(block == 12)
    // What still refers to the old one gets the old pages that are cached.
    #expect(try rig.drain(rig.stream(backend, BlockRange(0..<12))).count == 12)
  }

  /// Also where its descriptors have been closed in between, so that only the name is left.
  @Test(arguments: ReadSetup.paths)
  func aForgottenForkDoesNotReachItsSuccessor(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 12, blocksPerSegment: 4, filesMax: 1)
    let backend = try rig.backend()
    #expect(try rig.drain(rig.stream(backend, BlockRange(0..<12))).count == 12)
    rig.storage.forget(StorageRig.locator)
    try Self.replaceFiles(of: rig, with: RelationImage.shared(blocks: 12, seed: 2))
    rig.pool.invalidate(rig.fork)
    let stream = rig.stream(backend, BlockList([BlockNumber(0)]))
    do throws(StorageError) {
      if let page = try stream.next() { rig.expect(page, is: 0) }
      Issue.record("a forgotten fork was opened again")
    } catch {
      #expect(error.message == "could not open file \"base/5/16384\": No such file or directory")
    }
  }

  static func replaceFiles(of rig: StorageRig, with image: RelationImage) throws {
    for segment in 0..<3 {
      try FileManager.default.removeItem(
        at: rig.directory.url(segment == 0 ? StorageRig.path : "\(StorageRig.path).\(segment)"))
    }
    try image.write(to: rig.directory, StorageRig.path, blocksPerSegment: rig.blocksPerSegment)
  }

  // MARK: Errors

  @Test(arguments: ReadSetup.paths)
  func blocksBeyondTheEndAreErrorsInPostgreSQLsWords(setup: ReadSetup) throws {
    // Segments of 6 blocks: two full ones and one of three.
    let rig = try StorageRig(setup, blocks: 15)
    let backend = try rig.backend()
    func message(_ blocks: [UInt32]) -> String {
      let stream = rig.stream(backend, BlockList(blocks.map { BlockNumber($0) }))
      do throws(StorageError) {
        while try stream.next() != nil {}
        return "no error"
      } catch { return error.message }
    }
    let file = "file \"base/5/16384\""
    #expect(message([15]) == "could not read blocks 15..15 in \(file): read only 0 of 8192 bytes")
    #expect(message([17]) == "could not read blocks 17..17 in \(file): read only 0 of 8192 bytes")
    #expect(message([14, 15, 16]) == "could not read blocks 15..16 in \(file): read only 0 of 16384 bytes")
    let previous = "previous segment is only 3 blocks"
    #expect(message([18]) == "could not open file \"base/5/16384.3\" (target block 18): \(previous)")
    #expect(message([40]) == "could not open file \"base/5/16384.3\" (target block 40): \(previous)")

    let full = try StorageRig(setup, blocks: 12)
    let stream = full.stream(try full.backend(), BlockList([BlockNumber(12)]))
    let error = #expect(throws: StorageError.self) { _ = try stream.next() }
    #expect(
      error?.message == "could not open file \"base/5/16384.2\" (target block 12): No such file or directory")
  }

  /// Facts, scenario 12, second half: the file was cut off under the reader.
  @Test(arguments: ReadSetup.paths)
  func aTruncatedFileIsAShortRead(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 6)
    let backend = try rig.backend()
    #expect(try rig.fork.blockCount() == 6)
    try rig.truncate(segment: 0, toBytes: 8192)
    let stream = rig.stream(backend, BlockList([BlockNumber(1)]))
    let error = #expect(throws: StorageError.self) { _ = try stream.next() }
    #expect(error?.message == "could not read blocks 1..1 in file \"base/5/16384\": read only 0 of 8192 bytes")
    // In the middle of a page: the fraction counts for nothing.
    try rig.truncate(segment: 0, toBytes: 8192 + 4096 + 17)
    let again = rig.stream(backend, BlockList([BlockNumber(1)]))
    let second = #expect(throws: StorageError.self) { _ = try again.next() }
    #expect(second?.message == error?.message)
    #expect(second?.blocks == 1..<2)
  }
}
