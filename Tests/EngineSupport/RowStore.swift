package import MillraceEngine
package import MillraceIO
package import MillraceSettings
import MillraceStorage

/// A cluster with one relation, whose rows are bytes: what the crash tests change and compare.
package final class RowStore: Sendable {
  package let database: Database
  private let relation: HeapRelation

  /// The file number of the relation: the first that a cluster gives out.
  package static let relationNumber: UInt32 = 16_384

  /// Makes a cluster with the relation in it, and shuts it down.
  /// - Parameters:
  ///   - segmentBlocks: of a relation's segment; PostgreSQL's programs know only the usual number.
  ///   - hasCatalogs: whether there are system tables, which the rows do not need, and which are hundreds of files.
  ///   - change: of how it is opened to make the relation.
  package static func initialize(
    _ path: String, fileSystem: IOFileSystem = LocalFileSystem(), segmentBlocks: UInt32 = 131_072,
    hasCatalogs: Bool = true, _ change: (inout DatabaseConfiguration) -> Void = { _ in }
  ) throws(EngineError) {
    var options = ClusterInitializer.Options(microseconds: 1_700_000_000_000_000, processID: 1)
    options.walSegmentSize = 1 << 20
    options.segmentBlocks = segmentBlocks
    options.hasCatalogs = hasCatalogs
    try ClusterInitializer(fileSystem, path: path, options).run()
    var configuration = DatabaseConfiguration(path: path)
    configuration.fileSystem = fileSystem
    change(&configuration)
    let database = try Database.open(configuration)
    let session = try database.makeSession("initialize")
    try session.transaction { session throws(EngineError) in
      let relation = try session.createRelation()
      guard relation.locator.relNumber == relationNumber else {
        throw EngineError(.corrupted, "the first relation has the number \(relation.locator.relNumber)")
      }
    }
    session.close()
    try database.close()
  }

  package init(_ configuration: DatabaseConfiguration) throws(EngineError) {
    database = try Database.open(configuration)
    do throws(EngineError) {
      relation = try database.relation(Self.relationNumber)
    } catch {
      database.crash()
      throw error
    }
  }

  package convenience init(
    opening path: String, _ assignments: [(name: String, value: String)]
  ) throws(EngineError) {
    var configuration = DatabaseConfiguration(path: path)
    configuration.assignments = try Self.assignments(assignments)
    try self.init(configuration)
  }

  package static func assignments(
    _ pairs: [(name: String, value: String)]
  ) throws(EngineError) -> [SettingAssignment] {
    var result: [SettingAssignment] = []
    for (name, value) in pairs {
      do throws(SettingError) {
        result.append(try SettingAssignment("\(name)=\(value)"))
      } catch {
        throw EngineError(.invalidSetting, "\(error)")
      }
    }
    return result
  }

  package func makeSession(_ name: String = "client") throws(EngineError) -> RowSession {
    RowSession(try database.makeSession(name), relation)
  }

  /// Every row that a new transaction sees.
  package func rows() throws(EngineError) -> [(place: TupleIdentifier, bytes: [UInt8])] {
    let session = try makeSession("reader")
    defer { session.leave() }
    return try session.rows()
  }

  package func checkpoint() throws(EngineError) { try database.checkpoint() }

  package func close() throws(EngineError) { try database.close() }
}

/// What one client does with the rows.
package final class RowSession {
  private let session: Session
  private let relation: HeapRelation
  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: PageLayout.blockSize, alignment: 8)

  init(_ session: Session, _ relation: HeapRelation) { (self.session, self.relation) = (session, relation) }

  deinit { memory.deallocate() }

  /// Gives the session's place back; a transaction that is under way is rolled back.
  package func leave() { session.close() }

  package func begin() throws(EngineError) { try session.begin() }

  package func commit() throws(EngineError) { try session.commit() }

  /// Rolls back, if there is a transaction.
  package func abort() throws(EngineError) {
    if session.isInTransaction { try session.rollback() }
  }

  private func form(_ bytes: [UInt8]) throws(EngineError) -> HeapTuple {
    var writer = TupleWriter(memory, attributeCount: 1)
    writer.append(text: bytes)
    return try writer.finish()
  }

  package func insert(_ bytes: [UInt8]) throws(EngineError) -> TupleIdentifier {
    try session.insert(try form(bytes), into: relation)
  }

  /// - Returns: where the row is now.
  package func update(_ place: TupleIdentifier, _ bytes: [UInt8]) throws(EngineError) -> TupleIdentifier {
    try done(try session.update(place, of: relation, to: try form(bytes)), place)
  }

  package func delete(_ place: TupleIdentifier) throws(EngineError) {
    _ = try done(try session.delete(place, from: relation), place)
  }

  /// Rows of the crash tests belong to one client, so nobody else can have been at them.
  private func done(
    _ result: Session.ChangeResult, _ place: TupleIdentifier
  ) throws(EngineError) -> TupleIdentifier {
    switch result {
    case .done(let new): return new
    case .updated, .deleted, .changedBySelf, .invisible, .wouldBlock:
      throw EngineError(.corrupted, "the row at \(place) is not there any more: \(result)")
    }
  }

  /// Every row that is visible now, in a transaction of its own.
  package func rows() throws(EngineError) -> [(place: TupleIdentifier, bytes: [UInt8])] {
    try session.begin()
    do throws(EngineError) {
      let scan = try HeapScan(relation, session)
      var rows: [(TupleIdentifier, [UInt8])] = []
      while let tuple = try scan.next() {
        var reader = TupleReader(tuple)
        rows.append((scan.identifier, reader.nextText().map { Array($0) } ?? []))
      }
      try session.rollback()
      return rows
    } catch {
      try? session.rollback()
      throw error
    }
  }
}
