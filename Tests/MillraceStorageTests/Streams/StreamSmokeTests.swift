import Foundation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

@Suite struct StreamSmokeTests {
  @Test(arguments: IOMethodKind.real, [false, true])
  func scans(kind: IOMethodKind, exclusive: Bool) async throws {
    let dir = "/var/tmp/millrace-scan-\(getpid())-\(kind)-\(exclusive)"
    try FileManager.default.createDirectory(atPath: dir + "/base/5", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: dir) }
    let sample = SampleRelation()
    let blocks = 1000
    var page = [UInt8](repeating: 0, count: 8192)
    for segment in 0..<4 {
      var data = Data()
      for b in segment * 256..<min((segment + 1) * 256, blocks) {
        page.withUnsafeMutableBytes { sample.fill($0, block: BlockNumber(UInt32(b))) }
        data.append(contentsOf: page)
      }
      try data.write(to: URL(fileURLWithPath: dir + "/base/5/16384" + (segment == 0 ? "" : ".\(segment)")))
    }
    for direct in [false, true] {
      let engine = try IOEngine(IOConfiguration(method: kind))
      let backend = try engine.makeBackend("scan", exclusive: exclusive)
      let pool = try BufferPool(engine: engine, count: 512)
      let storage = StorageManager(
        engine: engine, directory: dir, blocksPerSegment: 256, isDirect: direct, filesMax: 2)
      let fork = storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: 16384))
      let count = try fork.blockCount()
      #expect(count == UInt32(blocks))
      for pass in 0..<3 {
        let stream = ReadStream(
          pool, backend, fork, BlockRange(0..<count),
          strategy: pass == 2 ? BufferStrategy(.bulkRead, count: 64, pool: pool) : nil)
        var expected: UInt32 = 0
        while let page = try stream.next() {
          #expect(page.block.rawValue == expected)
          expected += 1
        }
        #expect(expected == count)
      }
      if !exclusive {
        let stream = ReadStream(pool, backend, fork, BlockRange(0..<count))
        var expected: UInt32 = 0
        for try await page in stream.pages {
          #expect(page.block.rawValue == expected)
          expected += 1
        }
        #expect(expected == count)
      }
      #expect(pool.readAheadBudget.usedCount == 0)
    }
  }
}
