import MillraceIO
import MillraceTestSupport
import Testing

@testable import MillraceEngine

/// Counts of relations outlive an orderly end, and nothing else.
@Suite("Statistics from one opening to the next")
struct StatisticsFileTests {
  private func registry(_ count: UInt32) -> StatisticsRegistry {
    let registry = StatisticsRegistry()
    for oid in 0..<count {
      registry.entry(RelationKey(database: 5, oid: oid)).update { value in
        value.inserted = UInt64(oid) * 7
        value.liveTuples = Int64(oid) - 3
        value.lastScan = oid == 2 ? 12345 : nil
        value.autoanalyzes.note(at: 99, microseconds: UInt64(oid))
      }
    }
    return registry
  }

  private func values(_ registry: StatisticsRegistry) -> [RelationKey: RelationStatistics] {
    Dictionary(registry.all.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
  }

  @Test("what is written is read again, once", arguments: [0, 1, 5, 300] as [UInt32])
  func roundTrip(count: UInt32) throws {
    let temporary = try TemporaryDirectory()
    try LocalFileSystem().makeDirectories("\(temporary.path)/pg_stat")
    let file = StatisticsFile(LocalFileSystem(), directory: temporary.path)
    let written = registry(count)
    try file.write(written)
    let read = StatisticsRegistry()
    try file.take(into: read, isClean: true)
    #expect(values(read) == values(written))
    let again = StatisticsRegistry()
    try file.take(into: again, isClean: true)
    #expect(again.all.isEmpty)
  }

  @Test("after a crash, or with a byte that has changed, counting begins anew")
  func discarded() throws {
    let temporary = try TemporaryDirectory()
    try LocalFileSystem().makeDirectories("\(temporary.path)/pg_stat")
    let file = StatisticsFile(LocalFileSystem(), directory: temporary.path)
    let path = "\(temporary.path)/pg_stat/millrace.stat"
    try file.write(registry(3))
    let bytes = try LocalFileSystem().readAll(path)
    let crashed = StatisticsRegistry()
    try file.take(into: crashed, isClean: false)
    #expect(crashed.all.isEmpty)
    for place in stride(from: 0, to: bytes.count, by: 13) {
      var damaged = bytes
      damaged[place] ^= 0x10
      try LocalFileSystem().writeDurably(path, damaged)
      let read = StatisticsRegistry()
      try file.take(into: read, isClean: true)
      #expect(read.all.isEmpty, "byte \(place)")
    }
    try LocalFileSystem().writeDurably(path, Array(bytes.prefix(bytes.count - 9)))
    let cut = StatisticsRegistry()
    try file.take(into: cut, isClean: true)
    #expect(cut.all.isEmpty)
  }
}
