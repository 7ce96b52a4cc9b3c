import MillraceIO
import MillraceStorage

/// What has been done with relations, from one opening of a cluster to the next: written when it is closed in order,
/// and taken away when it is opened. After a crash there is none, and counting begins anew, as PostgreSQL does with
/// pg_stat/pgstat.stat; the format is this engine's own, under a name that PostgreSQL does not look for.
struct StatisticsFile {
  private let fileSystem: IOFileSystem
  private let path: String

  init(_ fileSystem: IOFileSystem, directory: String) {
    (self.fileSystem, path) = (fileSystem, "\(directory)/pg_stat/millrace.stat")
  }

  /// "MILLSTAT", and a number that changes with the format.
  private static let magic: UInt64 = 0x5441_5453_4C4C_494D
  private static let version: UInt64 = 1
  private static let headerWords = 3
  /// Database and OID, the counters, and three numbers for each kind of maintenance.
  private static let entryWords = 2 + counters.count + levels.count + 1 + maintenance.count * 3

  private static let counters: [any WritableKeyPath<RelationStatistics, UInt64> & Sendable] = [
    \.scans, \.tuplesReturned, \.tuplesFetched, \.inserted, \.updated, \.deleted, \.hotUpdated, \.newPageUpdated,
  ]
  private static let levels: [any WritableKeyPath<RelationStatistics, Int64> & Sendable] = [
    \.liveTuples, \.deadTuples, \.changesSinceAnalyze, \.insertsSinceVacuum,
  ]
  private static let maintenance: [any WritableKeyPath<RelationStatistics, RelationStatistics.Maintenance> & Sendable] =
    [
      \.vacuums, \.autovacuums, \.analyzes, \.autoanalyzes,
    ]

  // MARK: Writing

  /// - Throws: ``IOError``. Then there is none, and nothing is lost but numbers.
  func write(_ registry: StatisticsRegistry) throws(IOError) {
    let entries = registry.all
    var words: [UInt64] = [Self.magic, Self.version, UInt64(entries.count)]
    words.reserveCapacity(Self.headerWords + entries.count * Self.entryWords + 1)
    for entry in entries { Self.append(entry.key, entry.value, to: &words) }
    words.append(Self.checksum(words))
    try fileSystem.writeDurably(
      path, words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } })
  }

  private static func append(_ key: RelationKey, _ value: RelationStatistics, to words: inout [UInt64]) {
    words += [UInt64(key.database), UInt64(key.oid)]
    words += counters.map { value[keyPath: $0] }
    words += levels.map { UInt64(bitPattern: value[keyPath: $0]) }
    words.append(UInt64(bitPattern: value.lastScan ?? 0))
    for kind in maintenance {
      let done = value[keyPath: kind]
      words += [done.count, UInt64(bitPattern: done.last ?? 0), done.totalMicroseconds]
    }
  }

  private static func checksum(_ words: [UInt64]) -> UInt64 {
    words.withUnsafeBytes { UInt64(CRC32C.compute($0)) }
  }

  // MARK: Reading

  /// Takes the file away, and what it says over, if that can be believed.
  /// - Parameter isClean: the cluster was closed in order, and nothing has been done since.
  func take(into registry: StatisticsRegistry, isClean: Bool) throws(IOError) {
    guard try fileSystem.exists(path) else { return }
    let bytes = isClean ? try fileSystem.readAll(path) : []
    try fileSystem.removeDurably(path)
    let words = stride(from: 0, to: bytes.count / 8 * 8, by: 8).map { start in
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << ($1 * 8) }
    }
    guard words.count > Self.headerWords, words[0] == Self.magic, words[1] == Self.version,
      UInt64(words.count - Self.headerWords - 1)
        == words[2].multipliedReportingOverflow(by: UInt64(Self.entryWords)).partialValue,
      words.last == Self.checksum(Array(words.dropLast()))
    else { return }
    for start in stride(from: Self.headerWords, to: words.count - 1, by: Self.entryWords) {
      let (key, value) = Self.entry(words[start..<start + Self.entryWords])
      registry.entry(key).update { $0 = value }
    }
  }

  private static func entry(_ words: ArraySlice<UInt64>) -> (RelationKey, RelationStatistics) {
    var rest = words
    func next() -> UInt64 { rest.popFirst() ?? 0 }
    func time() -> Int64? {
      let time = Int64(bitPattern: next())
      return time == 0 ? nil : time
    }
    let key = RelationKey(
      database: UInt32(truncatingIfNeeded: next()), oid: UInt32(truncatingIfNeeded: next()))
    var value = RelationStatistics()
    for counter in counters { value[keyPath: counter] = next() }
    for level in levels { value[keyPath: level] = Int64(bitPattern: next()) }
    value.lastScan = time()
    for kind in maintenance {
      var done = RelationStatistics.Maintenance()
      done.count = next()
      done.last = time()
      done.totalMicroseconds = next()
      value[keyPath: kind] = done
    }
    return (key, value)
  }
}
