import Foundation
import MillraceEngineTestSupport
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import Testing

/// Faults that come from outside, through the kernel, on every method (Tools/faultfs).
@Suite(.serialized, .enabled(if: FaultyMount.isExpected, "needs root, /dev/fuse and faultfs"))
struct OutsideFaultTests {
  /// A cluster on a faulty file system, with some rows in it.
  final class Place {
    let directory: TemporaryDirectory
    let mount: FaultyMount
    let rig: CrashRig

    init(_ way: KillTests.Way, seed: UInt64, words: [String] = []) throws {
      directory = try TemporaryDirectory()
      try directory.createDirectory("backing")
      mount = try FaultyMount(directory.path + "/backing")
      try RowStore.initialize(mount.path + "/data")
      rig = CrashRig(
        mount.path + "/data", seed: seed, usualRows: 400, changesMax: 12, words: way.words + words, mount: mount)
      try rig.run(until: .shutdown(transactions: 60))
    }

    /// How many pages of the relation are not sound on the disk.
    func invalidPages() throws -> Int {
      let file = URL(fileURLWithPath: directory.path + "/backing/data/base/5/\(RowStore.relationNumber)")
      let bytes = [UInt8](try Data(contentsOf: file))
      return bytes.withUnsafeBytes { pages in
        (0..<pages.count / PageLayout.blockSize).count { number in
          let page = UnsafeRawBufferPointer(rebasing: pages[(number * PageLayout.blockSize)...])
          guard let address = page.baseAddress else { return false }
          let verdict = PageVerifier.isVerified(address, block: BlockNumber(UInt32(number)), checksumsEnabled: true)
          return !verdict.contains(.valid)
        }
      }
    }

    /// The faults end: everything that was acknowledged is there, and work goes on.
    func expectSound(_ location: SourceLocation = #_sourceLocation) throws {
      try mount.clearRules()
      let last = try rig.run(until: .shutdown(transactions: 5), location)
      #expect(last.stops.isEmpty && last.refusals.isEmpty, sourceLocation: location)
      try expectSoundToPostgreSQL(directory.path + "/backing/data", location)
    }
  }

  @Test(arguments: KillTests.Way.all)
  func `pages that cannot be read fail their statements, and no others`(way: KillTests.Way) throws {
    let place = try Place(way, seed: 1)
    // The first pages hold too much of everything for the process to find its rows without them.
    try place.mount.control("read base/ 65536 -1 error EIO 7 40")
    let sighting = try place.rig.run(until: .onItsOwn(transactions: 40))
    #expect(sighting.stops.allSatisfy { $0.contains("Input/output error") })
    #expect(sighting.refusals.allSatisfy { $0.contains("could not read") && $0.contains("Input/output error") })
    try place.expectSound()
  }

  @Test(arguments: KillTests.Way.all)
  func `pages that cannot be written stay, and are written later`(way: KillTests.Way) throws {
    let place = try Place(way, seed: 2)
    try place.mount.control("write base/ 0 -1 error EIO 3 20")
    let sighting = try place.rig.run(until: .onItsOwn(transactions: 150))
    #expect(sighting.isReady && sighting.committed > 0)
    try place.expectSound()
  }

  @Test(arguments: KillTests.Way.all, ["base/", "pg_wal/", "pg_xact/"])
  func `an fsync that fails stops the engine, and recovery brings everything back`(
    way: KillTests.Way, files: String
  ) throws {
    let place = try Place(way, seed: 3, words: ["wal_sync_method=fdatasync", "checkpoint-every=20"])
    try place.mount.control("hold on")
    try place.mount.control("fsync \(files) 0 -1 error EIO 4 1")
    let sighting = try place.rig.run(until: .onItsOwn(transactions: 400))
    #expect(!sighting.stops.isEmpty || sighting.isClosed == false, "it must not go on as if nothing had been")
    // What the failed fsync should have made durable is gone.
    try place.mount.control("drop")
    try place.expectSound()
  }

  @Test(arguments: KillTests.Way.all)
  func `short transfers are taken up where they ended`(way: KillTests.Way) throws {
    let place = try Place(way, seed: 4)
    try place.mount.control("read */data/* 0 -1 short 4096 2 -1")
    // Of a short write that is asynchronous the kernel's FUSE makes EIO (fuse_get_res_by_io, fs/fuse/file.c).
    if way.method != .ioUring { try place.mount.control("write */data/* 0 -1 short 4096 3 -1") }
    let sighting = try place.rig.run(until: .shutdown(transactions: 60))
    #expect(sighting.refusals.isEmpty && sighting.stops.isEmpty && sighting.committed > 0)
    try place.expectSound()
  }

  @Test(arguments: KillTests.Way.all)
  func `torn pages are repaired from their images`(way: KillTests.Way) throws {
    // No page is evicted, and so none read again: what a disk has torn without a crash, nobody can repair.
    let place = try Place(way, seed: 5, words: ["shared_buffers=8MB", "checkpoint-every=20"])
    // Half of a page reaches the disk, and the checkpoint that wrote it does not come to its end.
    try place.mount.control("write base/ 0 -1 torn 4096 2 -1")
    try place.mount.control("fsync base/ 0 -1 error EIO 1 -1")
    let sighting = try place.rig.run(until: .onItsOwn(transactions: 400))
    #expect(!sighting.stops.isEmpty && !sighting.isClosed)
    #expect(try place.invalidPages() > 0)
    try place.expectSound()
  }

  @Test(arguments: KillTests.Way.all)
  func `a log that finds no space stops cleanly, and loses nothing`(way: KillTests.Way) throws {
    let place = try Place(way, seed: 6)
    try place.mount.control("any pg_wal/ 0 -1 space 3000000 1 -1")
    let sighting = try place.rig.run(until: .onItsOwn(transactions: 20_000))
    let said = sighting.stops + sighting.refusals
    #expect(said.contains { $0.contains("No space left on device") }, "\(said.first ?? "it said nothing")")
    try place.expectSound()
  }

  @Test(arguments: KillTests.Way.all)
  func `a relation that finds no space refuses statements, and the engine lives on`(way: KillTests.Way) throws {
    let place = try Place(way, seed: 7, words: ["usual-rows=100000"])
    try place.mount.control("any base/ 0 -1 space 200000 1 -1")
    let sighting = try place.rig.run(until: .onItsOwn(transactions: 400))
    #expect(!sighting.refusals.isEmpty && sighting.refusals.allSatisfy { $0.contains("No space left on device") })
    #expect(sighting.isReady && sighting.committed > 0)
    try place.expectSound()
  }
}
