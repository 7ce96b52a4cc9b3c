import Foundation
import MillraceEngine
import MillraceEngineTestSupport
import MillraceTestSupport
import Testing

/// A disk that is really full: a small file system of its own.
@Suite(.serialized, .enabled(if: LoopMount.obstacle == nil, "needs root, loop devices and ext4"))
struct FullDiskTests {
  @Test(arguments: KillTests.Way.all)
  func `a full disk fails the statement, the engine lives on, and with space work goes on`(way: KillTests.Way) throws {
    let disk = try LoopMount(megabytes: 64)
    let cluster = disk.path + "/data"
    try RowStore.initialize(cluster)
    let store = try RowStore(opening: cluster, way.assignments)
    let session = try store.makeSession()
    try disk.fill(leaving: 256 << 10)
    let body = [UInt8](repeating: 7, count: 4000)
    var committed = 0
    var refusal: EngineError?
    while refusal == nil, committed < 1000 {
      do throws(EngineError) {
        try session.begin()
        for _ in 0..<4 { _ = try session.insert(body) }
        try session.commit()
        committed += 4
      } catch { refusal = error }
    }
    let error = try #require(refusal, "the disk did not become full")
    #expect(error.description.contains("No space left on device") && error.code != .stopped)
    try session.abort()
    #expect(try store.rows().count == committed, "what was committed can be read while the disk is full")

    try disk.free()
    try session.begin()
    for _ in 0..<4 { _ = try session.insert(body) }
    try session.commit()
    #expect(try store.rows().count == committed + 4)
    session.leave()
    try store.close()
    try expectSoundToPostgreSQL(cluster)
  }

  @Test(arguments: KillTests.Way.all)
  func `a full disk under the log stops cleanly, with nothing lost`(way: KillTests.Way) throws {
    let disk = try LoopMount(megabytes: 64)
    try RowStore.initialize(disk.path + "/data")
    let rig = CrashRig(disk.path + "/data", seed: 9, usualRows: 100_000, changesMax: 16, words: way.words)
    try rig.run(until: .shutdown(transactions: 5))
    try disk.fill(leaving: 1 << 20)
    let full = try rig.run(until: .onItsOwn(transactions: 20_000))
    #expect((full.refusals + full.stops).contains { $0.contains("No space left on device") })
    try disk.free()
    let last = try rig.run(until: .shutdown(transactions: 5))
    #expect(last.stops.isEmpty && last.refusals.isEmpty && last.committed > 0)
    try expectSoundToPostgreSQL(disk.path + "/data")
  }
}
