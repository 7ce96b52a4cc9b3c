import Foundation
import MillraceEngineTestSupport
import MillraceTestSupport
import Testing

/// Real processes on a file system that loses what was not synced, and fails in other ways (Tools/faultfs).
@Suite(.serialized, .enabled(if: FaultyMount.isExpected, "needs root, /dev/fuse and faultfs"))
struct PowerLossTests {
  @Test(arguments: KillTests.Way.all, ["fdatasync", "open_datasync"])
  func `a disk that loses its power loses nothing that was acknowledged`(
    way: KillTests.Way, syncMethod: String
  ) throws {
    let directory = try TemporaryDirectory()
    try directory.createDirectory("backing")
    let mount = try FaultyMount(directory.path + "/backing")
    let cluster = mount.path + "/data"
    try RowStore.initialize(cluster)
    try mount.control("hold on")
    var random = SeededGenerator(for: "power loss, \(way.testDescription), \(syncMethod)")
    let rig = CrashRig(
      cluster, seed: random.next(), words: way.words + ["wal_sync_method=\(syncMethod)"], mount: mount)
    for _ in 0..<4 {
      let sighting = try rig.run(until: .powerLoss(after: random.below(200)))
      #expect((sighting.refusals + sighting.stops).allSatisfy { $0.contains("Input/output error") })
    }
    let last = try rig.run(until: .shutdown(transactions: 5))
    #expect(last.stops.isEmpty && last.refusals.isEmpty)
    #expect(try mount.counter("dropped_sectors") > 0)
    try expectSoundToPostgreSQL(directory.path + "/backing/data")
  }

  @Test func `without a sync that works it would: the test can tell`() throws {
    // fsync=off is what a disk that lies about its cache is.
    var isFound = false
    for seed in UInt64(1)...20 where !isFound {
      let directory = try TemporaryDirectory()
      try directory.createDirectory("backing")
      let mount = try FaultyMount(directory.path + "/backing")
      try RowStore.initialize(mount.path + "/data")
      try mount.control("hold on")
      let rig = CrashRig(mount.path + "/data", seed: seed, words: ["io_method=sync", "fsync=off"], mount: mount)
      do {
        try rig.run(until: .powerLoss(after: 50))
        let last = try rig.run(until: .onItsOwn(transactions: 1))
        isFound = !last.isReady
      } catch is ClientHistory.Mismatch { isFound = true }
    }
    #expect(isFound)
  }
}
