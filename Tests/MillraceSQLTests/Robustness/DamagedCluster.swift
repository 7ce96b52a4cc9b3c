import Foundation
import MillraceTestSupport
import Testing

/// A cluster without checksums, of whose files pages are damaged, each time anew.
final class DamagedCluster {
  private let temporary: TemporaryDirectory
  /// Files that are damaged, below the cluster's directory.
  private var files: [String] = []
  private var fileOfIndex = ""

  private var original: String { temporary.path + "/original" }
  private var path: String { temporary.path + "/data" }

  private static let rows = 700

  /// Keys with much in common, so that the index has three levels; rows with values out of line; rows that are gone.
  private static func setup() -> [String] {
    var random = SeededGenerator(seed: 11)
    let prefix = String((0..<900).map { _ in Character(UnicodeScalar(UInt8(97 + random.below(26)))) })
    return [
      "create table t (id int primary key, k int, s text, big text)",
      "insert into t select n, n % 13, '\(prefix)' || n, case when n % 9 = 0 then repeat(md5(n::text), 200) end"
        + " from generate_series(1, \(rows)) n",
      "create index by_k on t (k)", "create index by_s on t (s, k)", "delete from t where id % 6 = 5",
      "vacuum t", "update t set k = k + 1 where id % 10 = 3", "analyze t", "create sequence numbers",
      "select nextval('numbers')", "checkpoint",
    ]
  }

  init() throws {
    temporary = try TemporaryDirectory()
    try SQLRig.initialize(original, checksums: false)
    let rig = try SQLRig(opening: original, temporary)
    for statement in Self.setup() {
      let answer = rig.execute(statement)
      try #require(answer.failure == nil, "\(statement): \(answer.failure ?? [:])")
    }
    let main = rig.execute(
      """
      select pg_relation_filepath(c.oid) from pg_class c where relname in ('t', 't_pkey', 'by_k', 'by_s', 'numbers')
        or relname like 'pg_toast_' || 't'::regclass::oid::text || '%' order by 1
      """)
    try #require(main.rows.count == 7)
    let index = rig.execute("select pg_relation_filepath('by_k')")
    fileOfIndex = try #require(index.rows[0][0])
    try rig.close()
    for row in main.rows {
      let file = try #require(row[0])
      files += ["", "_fsm", "_vm"].map { file + $0 }.filter { access("\(original)/\($0)", F_OK) == 0 }
    }
  }

  /// Opens a copy of the cluster, the file of whose index `by_k` has been changed.
  func opened(_ change: (inout [UInt8]) -> Void) throws -> SQLRig {
    try restore()
    let url = URL(fileURLWithPath: "\(path)/\(fileOfIndex)")
    var bytes = [UInt8](try Data(contentsOf: url))
    change(&bytes)
    try Data(bytes).write(to: url)
    return try SQLRig(opening: path, temporary, ["autovacuum=off"])
  }

  private func restore() throws {
    try? FileManager.default.removeItem(atPath: path)
    let copied = try ChildProcess.run(["/bin/cp", "-a", original, path])
    try #require(copied.status == 0)
  }

  /// Puts everything back, damages pages of a file and opens the cluster.
  /// - Returns: what was damaged, in words, and a session.
  func damage(_ random: inout SeededGenerator) throws -> (what: String, rig: SQLRig) {
    try restore()
    let file = files[random.below(files.count)]
    let url = URL(fileURLWithPath: "\(path)/\(file)")
    var bytes = [UInt8](try Data(contentsOf: url))
    var what = file
    for _ in 0...random.below(3) where bytes.count >= 8192 {
      let page = random.below(bytes.count / 8192)
      what += ", \(Self.damage(&bytes, page, &random))"
    }
    try Data(bytes).write(to: url)
    return (what, try SQLRig(opening: path, temporary, ["autovacuum=off"]))
  }

  private static func damage(_ bytes: inout [UInt8], _ page: Int, _ random: inout SeededGenerator) -> String {
    let start = page * 8192
    var (offset, count) = (0, 1 << random.below(4))
    switch random.below(8) {
    case 0: (offset, count) = (10 + 2 * random.below(4), 2)
    case 1, 2: (offset, count) = (24 + 4 * random.below(60), 4)
    case 3, 4: (offset, count) = (8176 + 4 * random.below(4), 4)
    case 5:
      let other = random.below(bytes.count / 8192)
      bytes.replaceSubrange(start..<start + 8192, with: Array(bytes[other * 8192..<(other + 1) * 8192]))
      return "page \(page) is page \(other)"
    case 6: offset = random.below(8192 - count)
    default: offset = 7000 + random.below(8192 - 7000 - count)
    }
    // Small numbers are what other pages and items are called.
    let value = [0, UInt64.max, UInt64(random.below(30)), random.next(), UInt64(random.below(8192))][random.below(5)]
    let old = bytes[start + offset..<start + offset + count]
    let isFlip = random.below(3) == 0
    for index in 0..<count {
      let byte = UInt8(truncatingIfNeeded: value >> UInt64(index % 8 * 8))
      bytes[start + offset + index] = isFlip ? old[start + offset + index] ^ (1 << UInt8(byte & 7)) : byte
    }
    return "\(count) bytes at \(offset) of page \(page)"
  }
}
