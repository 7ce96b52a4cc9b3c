import Foundation
import Testing

@testable import MillraceIO

@Suite struct SmokeTests {
  @Test(arguments: IOMethodKind.real, [false, true])
  func readsRandomly(kind: IOMethodKind, exclusive: Bool) throws {
    let path = "/var/tmp/millrace-smoke-\(getpid())-\(kind)-\(exclusive)"
    let size = 1 << 20
    _ = FileManager.default.createFile(
      atPath: path, contents: Data((0..<size).map { UInt8(truncatingIfNeeded: $0 / 8192 * 7 + $0) }))
    defer { unlink(path) }
    let engine = try IOEngine(IOConfiguration(method: kind))
    let backend = try engine.makeBackend("smoke", exclusive: exclusive)
    for direct in [false, true] {
      let file = try DescriptorFile.open(path, direct ? [.direct] : [])
      let memory = try IOMemory(byteCount: 64 * 8192)
      var random: UInt64 = 42
      for round in 0..<200 {
        var expected: [Int] = []
        let batch = backend.batch()
        for place in 0..<(round % 32 + 1) {
          random = random &* 6364136223846793005 &+ 1442695040888963407
          let block = Int(random >> 33) % (size / 8192)
          expected.append(block)
          _ = backend.acquire().start(
            .readv, file, at: Int64(block * 8192),
            memory: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[place * 8192..<(place + 1) * 8192]))
        }
        batch.submit()
        backend.reap(atLeast: expected.count)
        #expect(backend.outstandingCount == 0)
        for (place, block) in expected.enumerated() {
          let byte = memory.bytes[place * 8192 + 1]
          #expect(byte == UInt8(truncatingIfNeeded: block * 7 + block * 8192 + 1))
        }
      }
      engine.close(file)
    }
    print(kind, exclusive, backend.statistics)
    backend.close()
  }
}
