import Foundation
import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// Records of the log that say what they should not, under a CRC that fits: recovery ends with an error, or goes on.
@Suite("Wrong records of the log are errors", .serialized) struct RedoFuzzTests {
  private static func workload() -> [String] {
    var random = SeededGenerator(seed: 3)
    let prefix = String((0..<700).map { _ in Character(UnicodeScalar(UInt8(97 + random.below(26)))) })
    return [
      "create table t (id int primary key, k int, s text)", "create index by_s on t (s)", "create index by_k on t (k)",
      "checkpoint", "insert into t select n, n % 7, '\(prefix)' || n from generate_series(1, 150) n",
      "begin; update t set k = k + 1 where id % 3 = 0; savepoint a; delete from t where id % 10 = 4; rollback to a;"
        + " update t set s = s || 'x' where id % 20 = 1; commit",
      "delete from t where id < 60", "vacuum t", "vacuum (freeze) t", "create sequence numbers",
      "select nextval('numbers') from generate_series(1, 40)",
      "insert into t select n, 3, 's' || n from"
        + " generate_series(1, 55) n", "create table u as select * from t", "truncate t", "select count(*) from u",
      "begin; select * from u for key share; update u set k = 9 where id = 7; commit", "drop table u",
    ]
  }

  @Test func `recovery of changed records ends with an error, or goes on`() throws {
    let temporary = try TemporaryDirectory()
    let (original, path) = (temporary.path + "/original", temporary.path + "/data")
    try SQLRig.initialize(original, checksums: false)
    let settings = ["full_page_writes=off", "autovacuum=off", "checkpoint_timeout=1h"]
    let rig = try SQLRig(opening: original, temporary, settings)
    for statement in Self.workload() {
      let answer = rig.execute(statement)
      try #require(answer.failure == nil, "\(statement): \(answer.failure ?? [:])")
    }
    rig.sql.close()
    rig.database.crash()
    var (opened, refused) = (0, 0)
    try Fuzzing.run("changed records of the log", rounds: 20) { random in
      try? FileManager.default.removeItem(atPath: path)
      let copied = try ChildProcess.run(["/bin/cp", "-a", original, path])
      try #require(copied.status == 0)
      try LogDamage(path + "/pg_wal").change(1 + random.below(3), &random)
      do {
        let rig = try SQLRig(opening: path, temporary, settings)
        opened += 1
        for statement in ["select count(*), max(s) from t", "insert into t values (1000, 1, 'x')", "vacuum t"] {
          _ = rig.execute(statement)
        }
        if random.below(4) == 0 { _ = try? ClusterChecker(rig.database).run() }
        rig.sql.close()
        rig.database.crash()
      } catch {
        refused += 1
      }
    }
    #expect(opened > 0 && refused > 0)
  }

  @Test func `a control file with other numbers under a CRC that fits is refused, or the cluster opens`() throws {
    let temporary = try TemporaryDirectory()
    let (original, path) = (temporary.path + "/original", temporary.path + "/data")
    try SQLRig.initialize(original)
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: original + "/global/pg_control")))
    func crc(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
      let value = bytes.withUnsafeBytes { CRC32C.compute(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      return (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    }
    let end = try #require(stride(from: 200, to: 320, by: 4).first { crc(whole, $0) == Array(whole[$0..<$0 + 4]) })
    var (opened, refused) = (0, 0)
    try Fuzzing.run("changed control files", rounds: 25) { random in
      try? FileManager.default.removeItem(atPath: path)
      let copied = try ChildProcess.run(["/bin/cp", "-a", original, path])
      try #require(copied.status == 0)
      var bytes = whole
      for _ in 0...random.below(2) {
        let place = 16 + random.below(end - 16)
        bytes[place] = [0, 1, 0x7F, 0xFF, UInt8(truncatingIfNeeded: random.next())][random.below(5)]
      }
      bytes.replaceSubrange(end..<end + 4, with: crc(bytes, end))
      try Data(bytes).write(to: URL(fileURLWithPath: path + "/global/pg_control"))
      do {
        let rig = try SQLRig(opening: path, temporary, ["autovacuum=off"])
        opened += 1
        _ = rig.execute("create table t as select 1 as a")
        _ = rig.execute("vacuum t")
        rig.sql.close()
        rig.database.crash()
      } catch {
        refused += 1
      }
    }
    #expect(opened > 0 && refused > 0)
  }
}

/// Changes records of the log, as far as they lie on one page: what they say, not which pages it is about.
private struct LogDamage {
  private let directory: String
  private let files: [String]

  init(_ directory: String) throws {
    self.directory = directory
    files = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.count == 24 }.sorted()
  }

  private struct Place {
    let file: Int
    let offset: Int
    let length: Int
  }

  func change(_ count: Int, _ random: inout SeededGenerator) throws {
    var contents = try files.map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\($0)"))) }
    var places: [Place] = []
    for (index, bytes) in contents.enumerated() {
      places += Self.records(bytes).map { Place(file: index, offset: $0, length: $1) }
    }
    try #require(places.count > 100)
    for _ in 0..<count {
      let place = places[random.below(places.count)]
      Self.change(&contents[place.file], place, &random)
    }
    for (name, bytes) in zip(files, contents) {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
    }
  }

  private static func number(_ bytes: [UInt8], _ offset: Int, _ size: Int) -> Int {
    (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }

  /// Where records begin and how long they are.
  private static func records(_ bytes: [UInt8]) -> [(Int, Int)] {
    var found: [(Int, Int)] = []
    for page in stride(from: 0, to: bytes.count, by: 8192) {
      // The long header of a segment's first page; what goes on from the page before.
      guard number(bytes, page, 2) != 0 else { continue }
      var offset = page + (page == 0 ? 40 : 24)
      if bytes[page + 2] & 1 != 0 { offset += (number(bytes, page + 16, 4) + 7) & ~7 }
      while offset + 24 <= page + 8192 {
        let length = number(bytes, offset, 4)
        guard length >= 24, offset + length <= page + 8192 else { break }
        found.append((offset, length))
        offset += (length + 7) & ~7
      }
    }
    return found
  }

  private static func change(_ bytes: inout [UInt8], _ place: Place, _ random: inout SeededGenerator) {
    let end = place.offset + place.length
    guard let start = dataStart(bytes, place), start < end else { return }
    for _ in 0...random.below(2) {
      let offset = start + random.below(end - start)
      let count = min(1 << random.below(3), end - offset)
      let value = [0, UInt64.max, UInt64(random.below(40)), random.next()][random.below(4)]
      for index in 0..<count { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }
    var crc = CRC32C()
    bytes.withUnsafeBytes { memory in
      crc.update(UnsafeRawBufferPointer(rebasing: memory[place.offset + 24..<end]))
      crc.update(UnsafeRawBufferPointer(rebasing: memory[place.offset..<place.offset + 20]))
    }
    for index in 0..<4 { bytes[place.offset + 20 + index] = UInt8(truncatingIfNeeded: crc.value >> UInt32(8 * index)) }
  }

  /// Where the headers of a record end (XLogRecordBlockHeader and what follows it); nil where they cannot be read.
  private static func dataStart(_ bytes: [UInt8], _ place: Place) -> Int? {
    let end = place.offset + place.length
    var (offset, data) = (place.offset + 24, 0)
    while offset < end - data {
      switch bytes[offset] {
      case 255:
        (offset, data) = (offset + 2, data + Int(bytes[offset + 1]))
      case 254:
        (offset, data) = (offset + 5, data + number(bytes, offset + 1, 4))
      case 253: offset += 3
      case 252: offset += 5
      case 0...32:
        let flags = bytes[offset + 1]
        data += number(bytes, offset + 2, 2)
        offset += 4
        if flags & 0x10 != 0 {
          let (length, image) = (number(bytes, offset, 2), bytes[offset + 4])
          data += length
          offset += 5
          // A compressed image says how long its hole is.
          if image & 1 != 0, image & 0x1C != 0 { offset += 2 }
        }
        if flags & 0x80 == 0 { offset += 12 }
        offset += 4
      default: return nil
      }
    }
    return offset == end - data ? offset : nil
  }
}
