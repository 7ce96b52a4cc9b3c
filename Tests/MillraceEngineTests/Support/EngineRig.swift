import Foundation
@testable import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceSimulation
import MillraceStorage
import MillraceTestSupport

/// A cluster for a test: on this machine's disk, or on a simulated one.
final class EngineRig {
  let path: String
  let fileSystem: IOFileSystem
  var assignments: [SettingAssignment]
  var sessionsMax = 8
  private let temporary: TemporaryDirectory?
  private(set) var simulation: SimulatedEngine?

  static let smallSettings = [
    "shared_buffers=2MB", "max_wal_size=64MB", "min_wal_size=2MB", "wal_writer_delay=10ms", "huge_pages=off",
    "autovacuum=off",
  ]

  /// On this machine's disk.
  /// - Parameter segmentBlocks: small, so that tests come to the end of a segment; PostgreSQL's server wants 131,072.
  ///   - hasCatalogs: whether there are system tables.
  init(_ settings: [String] = [], segmentBlocks: UInt32 = 64, hasCatalogs: Bool = false) throws {
    let temporary = try TemporaryDirectory()
    self.temporary = temporary
    (path, fileSystem) = (temporary.path + "/data", LocalFileSystem())
    assignments = try (Self.smallSettings + ["io_method=worker"] + settings).map { try SettingAssignment($0) }
    try initialize(segmentBlocks: segmentBlocks, hasCatalogs: hasCatalogs)
  }

  /// On a simulated disk, in one thread.
  init(seed: UInt64, faults: FaultModel = .none, _ settings: [String] = []) throws {
    temporary = nil
    path = "cluster"
    assignments = try (Self.smallSettings + settings).map { try SettingAssignment($0) }
    let disk = SimulatedDisk(seed: seed)
    fileSystem = disk
    try initialize()
    disk.faults = faults
    try restart(seed: seed)
  }

  private func initialize(segmentBlocks: UInt32 = 64, hasCatalogs: Bool = false) throws {
    var options = ClusterInitializer.Options(microseconds: 1_790_000_000_000_000, processID: 1)
    options.walSegmentSize = 1 << 20
    options.segmentBlocks = segmentBlocks
    options.hasCatalogs = hasCatalogs
    try ClusterInitializer(fileSystem, path: path, options).run()
  }

  var disk: SimulatedDisk? { fileSystem as? SimulatedDisk }

  /// A new engine on the same simulated disk.
  func restart(seed: UInt64) throws {
    var configuration = IOConfiguration()
    configuration.handlesPerBackend = 32
    configuration.backendsMax = sessionsMax + 5
    simulation = try SimulatedEngine(seed: seed, configuration: configuration, disk: disk)
  }

  var configuration: DatabaseConfiguration {
    var configuration = DatabaseConfiguration(path: path)
    configuration.assignments = assignments
    configuration.fileSystem = fileSystem
    configuration.sessionsMax = sessionsMax
    if let simulation {
      configuration.engine = simulation.engine
      configuration.hasBackgroundThreads = false
      let clock = simulation.clock
      configuration.clock = { 1_790_000_000_000_000 + Int64(clock.nanoseconds / 1000) }
    }
    return configuration
  }

  func open() throws -> Database { try Database.open(configuration) }

  /// Lets PostgreSQL's programs at the directory.
  func giveToServer() throws {
    if let temporary { try PostgresCluster.giveToServer(temporary.path) }
  }
}

/// A table of `(id int4, value int8, body text)` and what is done with it.
struct SampleTable {
  let relation: HeapRelation
  private let memory = RowMemory()

  struct Row: Hashable, Comparable {
    var id: Int32
    var value: Int64
    var body: [UInt8]

    static func < (left: Row, right: Row) -> Bool { left.id < right.id }
  }

  init(_ relation: HeapRelation) { self.relation = relation }

  static func create(_ session: Session) throws -> SampleTable {
    SampleTable(try session.transaction { session throws(EngineError) in try session.createRelation() })
  }

  func insert(_ row: Row, _ session: Session) throws -> TupleIdentifier {
    try session.insert(try memory.row(row.id, row.value, row.body), into: relation)
  }

  func update(
    _ place: TupleIdentifier, to row: Row, _ session: Session, _ policy: LockWaitPolicy = .wait
  ) throws -> Session.ChangeResult {
    try session.update(place, of: relation, to: try memory.row(row.id, row.value, row.body), policy)
  }

  /// All rows that the session's transaction sees, in order of their ids.
  func rows(_ session: Session) throws -> [Row] { try places(session).map(\.row).sorted() }

  func places(_ session: Session) throws -> [(place: TupleIdentifier, row: Row)] {
    let scan = try HeapScan(relation, session)
    var found: [(place: TupleIdentifier, row: Row)] = []
    while let tuple = try scan.next() {
      var reader = TupleReader(tuple)
      let id = reader.next(Int32.self) ?? 0
      let value = reader.next(Int64.self) ?? 0
      found.append(
        (scan.identifier, Row(id: id, value: value, body: [UInt8](reader.nextText() ?? .init(start: nil, count: 0)))))
    }
    return found
  }
}
