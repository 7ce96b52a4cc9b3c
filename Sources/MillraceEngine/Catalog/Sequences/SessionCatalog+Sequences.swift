import MillraceIO
import MillraceStorage
import MillraceTypes
import MillraceWAL

/// Sequences (PostgreSQL's src/backend/commands/sequence.c). What they give out no rollback takes back.
extension SessionCatalog {
  /// How many values the log gets ahead: `SEQ_LOG_VALS`. After a crash so many at most are left out.
  private static let loggedAhead: Int64 = 32

  // MARK: Definition

  /// Makes a sequence.
  /// - Returns: its OID.
  @discardableResult
  public func createSequence(
    _ name: String, namespace: UInt32, _ definition: SequenceDefinition,
    persistence: RelationDescriptor.Persistence = .permanent
  ) throws(EngineError) -> UInt32 {
    var columns = [
      ColumnDescriptor("last_value", .int8), ColumnDescriptor("log_cnt", .int8), ColumnDescriptor("is_called", .bool),
    ]
    for index in columns.indices { columns[index].isNotNull = true }
    let oid = try createRelation(
      RelationPlan(
        name: name, namespace: namespace, kind: .sequence, persistence: persistence, columns: columns))
    var row = CatalogRow<CatalogColumns.Sequence>()
    row[.seqrelid] = .oid(oid)
    definition.fill(&row)
    try insert(row)
    try session.advanceCommand()
    let relation = try requiredRelation(oid)
    try writeFirstPage(relation, SequencePage.Values(last: definition.start, isCalled: false))
    return oid
  }

  public func sequence(_ oid: UInt32) throws(EngineError) -> SequenceDefinition {
    guard let row = try first(CatalogColumns.Sequence.self, [.seqrelid: .oid(oid)]) else {
      throw EngineError(.internalError, "cache lookup failed for sequence \(oid)")
    }
    return SequenceDefinition(row)
  }

  /// Changes how a sequence goes on, and where it stands if it shall restart. A rollback undoes both.
  public func alterSequence(
    _ oid: UInt32, _ definition: SequenceDefinition, restart: Int64? = nil
  ) throws(EngineError) {
    let relation = try requiredSequence(oid)
    guard var row = try first(CatalogColumns.Sequence.self, [.seqrelid: .oid(oid)]) else { return }
    var values = try withPage(relation) { page, _ throws(EngineError) in page }
    if let restart { values = SequencePage.Values(last: restart, isCalled: false) }
    guard values.last >= definition.minimum else {
      throw EngineError(
        .invalidParameterValue,
        "RESTART value (\(values.last)) cannot be less than MINVALUE (\(definition.minimum))")
    }
    guard values.last <= definition.maximum else {
      throw EngineError(
        .invalidParameterValue,
        "RESTART value (\(values.last)) cannot be greater than MAXVALUE (\(definition.maximum))")
    }
    definition.fill(&row)
    try update(row)
    noteChange(.relation(oid))
    try session.advanceCommand()
    values.logCount = 0
    try setNewStorage(of: oid)
    try writeFirstPage(try requiredRelation(oid), values)
    if var entry = sequences[oid] {
      entry.cached = entry.last
      sequences[oid] = entry
    }
  }

  /// Makes a sequence a column's own: it goes with it. For an identity column it is a part of it.
  public func setSequenceOwner(
    _ oid: UInt32, column: Int, of table: UInt32, isIdentity: Bool
  ) throws(EngineError) {
    try recordDependency(
      of: .relation(oid), on: .column(column + 1, of: table), isIdentity ? .internal : .auto)
    try session.advanceCommand()
  }

  /// The sequence that belongs to a column, from 0; nil where there is none (`pg_get_serial_sequence`).
  public func ownedSequence(column: Int, of table: UInt32) throws(EngineError) -> UInt32? {
    for dependency in try dependents(on: .column(column + 1, of: table))
    where dependency.kind != .normal && dependency.dependent.classID == SystemOID.pgClass {
      if try relation(dependency.dependent.objectID)?.kind == .sequence { return dependency.dependent.objectID }
    }
    return nil
  }

  // MARK: Values

  /// The next value.
  /// - Throws: ``EngineError``: it has come to its end.
  public func nextValue(of oid: UInt32) throws(EngineError) -> Int64 {
    let relation = try requiredSequence(oid)
    let file = relation.locator?.relNumber ?? 0
    if var entry = sequences[oid], entry.file == file, entry.last != entry.cached {
      entry.last += entry.increment
      entry.isUsed = true
      sequences[oid] = entry
      sequences.lastUsed = oid
      return entry.last
    }
    let definition = try sequence(oid)
    let taken = try fetch(relation, definition)
    sequences[oid] = SequenceCache.Entry(
      last: taken.first, cached: taken.last, increment: definition.increment, file: file, isUsed: true)
    sequences.lastUsed = oid
    return taken.first
  }

  /// Takes as many values as the session is to keep, and logs more of them ahead.
  private func fetch(
    _ relation: RelationDescriptor, _ definition: SequenceDefinition
  ) throws(EngineError) -> (first: Int64, last: Int64) {
    let redo = session.database.log.redoPosition
    return try changePage(relation) { values, lsn, log throws(EngineError) in
      guard let taken = definition.next(after: values, count: definition.cache) else {
        let isRising = definition.increment > 0
        throw EngineError(
          .sequenceGeneratorLimitExceeded,
          "nextval: reached \(isRising ? "maximum" : "minimum") value of sequence \"\(relation.name)\" "
            + "(\(isRising ? definition.maximum : definition.minimum))")
      }
      // What was called once needs no place among those ahead; see how the log counts in sequence.c.
      let needed = definition.cache - (values.isCalled ? 0 : 1)
      var left = values.logCount
      let mustLog = left < needed || !values.isCalled || lsn <= redo
      if mustLog {
        let ahead = definition.next(
          after: SequencePage.Values(last: taken.last, isCalled: true), count: Self.loggedAhead)
        // Where the end is near, or the numbers begin anew, as many as there are before that.
        let isUsable = ahead.map { definition.increment > 0 ? $0.last > taken.last : $0.last < taken.last } ?? false
        log = SequencePage.Values(last: isUsable ? ahead?.last ?? taken.last : taken.last, isCalled: true)
        left = isUsable ? ahead?.count ?? 0 : 0
      } else {
        left -= needed
      }
      values = SequencePage.Values(last: taken.last, logCount: left, isCalled: true)
      return (taken.first, taken.last)
    }
  }

  /// The value that the session was given last.
  /// - Throws: ``EngineError`` where it was given none.
  public func currentValue(of oid: UInt32) throws(EngineError) -> Int64 {
    let relation = try requiredSequence(oid)
    guard let entry = sequences[oid], entry.isUsed else {
      throw EngineError(
        .objectNotInPrerequisiteState,
        "currval of sequence \"\(relation.name)\" is not yet defined in this session")
    }
    return entry.last
  }

  /// The value that the session was given last from any sequence.
  public func lastValue() throws(EngineError) -> Int64 {
    guard let oid = sequences.lastUsed, let entry = sequences[oid], try relation(oid) != nil else {
      throw EngineError(.objectNotInPrerequisiteState, "lastval is not yet defined in this session")
    }
    return entry.last
  }

  /// Sets where a sequence stands, for all at once.
  public func setValue(of oid: UInt32, to value: Int64, isCalled: Bool = true) throws(EngineError) {
    let relation = try requiredSequence(oid)
    let definition = try sequence(oid)
    guard value >= definition.minimum, value <= definition.maximum else {
      throw EngineError(
        .numericValueOutOfRange,
        "setval: value \(value) is out of bounds for sequence \"\(relation.name)\" "
          + "(\(definition.minimum)..\(definition.maximum))")
    }
    let file = relation.locator?.relNumber ?? 0
    try changePage(relation) { values, _, log throws(EngineError) in
      values = SequencePage.Values(last: value, isCalled: isCalled)
      log = values
    }
    var entry =
      sequences[oid]
      ?? SequenceCache.Entry(
        last: value, cached: value, increment: definition.increment, file: file, isUsed: false)
    if isCalled { (entry.last, entry.isUsed) = (value, true) }
    entry.cached = entry.last
    entry.file = file
    sequences[oid] = entry
  }

  /// What a sequence's one row says.
  public func sequenceState(
    _ oid: UInt32
  ) throws(EngineError) -> (lastValue: Int64, logCount: Int64, isCalled: Bool) {
    let values = try withPage(try requiredSequence(oid)) { values, _ throws(EngineError) in values }
    return (values.last, values.logCount, values.isCalled)
  }

  private func requiredSequence(_ oid: UInt32) throws(EngineError) -> RelationDescriptor {
    let relation = try requiredRelation(oid)
    guard relation.kind == .sequence else {
      throw EngineError(.wrongObjectType, "\"\(relation.name)\" is not a sequence")
    }
    return relation
  }

  // MARK: The page

  private func withPage<Result>(
    _ relation: RelationDescriptor, _ body: (SequencePage.Values, LogSequenceNumber) throws(EngineError) -> Result
  ) throws(EngineError) -> Result {
    try changePage(relation) { values, lsn, _ throws(EngineError) in try body(values, lsn) }
  }

  /// Lets `body` look at a sequence's page and change it.
  /// - Parameter body: gets the values, to be changed in place; the page's position; and what the log is to say, where
  ///   it must say something.
  private func changePage<Result>(
    _ relation: RelationDescriptor,
    _ body: (inout SequencePage.Values, LogSequenceNumber, inout SequencePage.Values?) throws(EngineError) -> Result
  ) throws(EngineError) -> Result {
    guard let heap = relation.heap else { throw EngineError(.corrupted, "sequence \"\(relation.name)\" has no file") }
    // A value that was given out must be in the log before a commit can be: the transaction needs a number for that.
    let xid = relation.persistence == .permanent ? try session.requireTransactionID() : .invalid
    var page = try session.pin(heap, BlockNumber(0))
    page.lock(.exclusive, backend: session.backend)
    let sequence = SequencePage(page.mutableBytes)
    guard let before = sequence.values else {
      throw EngineError(.corrupted, "bad magic number in sequence \"\(relation.name)\"")
    }
    var values = before
    var logged: SequencePage.Values?
    let result = try body(&values, page.lsn, &logged)
    guard values != before || logged != nil else { return result }
    page.markDirty()
    sequence.set(values)
    if let logged, relation.persistence == .permanent {
      try session.logSequence(SequencePage.form(logged), heap.locator, .main, xid, &page)
    }
    return result
  }

  private func writeFirstPage(
    _ relation: RelationDescriptor, _ values: SequencePage.Values
  ) throws(EngineError) {
    guard let heap = relation.heap else { throw EngineError(.corrupted, "sequence \"\(relation.name)\" has no file") }
    try session.writeSequence(
      SequencePage.form(values), heap.fork, heap.pool, isLogged: relation.persistence == .permanent)
    if relation.persistence == .unlogged {
      let fork = session.database.storage.open(heap.locator, .initialization)
      try session.writeSequence(SequencePage.form(values), fork, heap.pool, isLogged: true)
    }
  }
}

extension Session {
  /// Pins a page of a table.
  func pin(_ relation: HeapRelation, _ block: BlockNumber) throws(EngineError) -> PinnedBuffer {
    do throws(StorageError) {
      return try relation.pool.read(relation.fork, block, backend)
    } catch {
      throw EngineError(error)
    }
  }

  /// Makes the one page of a sequence's new fork.
  fileprivate func writeSequence(
    _ tuple: [UInt8], _ fork: StoredFork, _ pool: BufferPool, isLogged: Bool
  ) throws(EngineError) {
    let xid = try requireTransactionID()
    var page = try extend(fork, in: pool)
    page.markDirty()
    let isMade = tuple.withBytes { SequencePage(page.mutableBytes).initialize($0) }
    precondition(isMade, "a sequence's tuple does not fit its page")
    if isLogged { try logSequence(tuple, fork.locator, fork.fork, xid, &page) }
  }

  /// Logs a sequence's tuple: `xl_seq_rec`, and the tuple behind it.
  fileprivate func logSequence(
    _ tuple: [UInt8], _ locator: RelationLocator, _ fork: ForkNumber, _ xid: TransactionID, _ page: inout PinnedBuffer
  ) throws(EngineError) {
    builder.begin(.sequence, info: SequenceResourceManager.logInfo, xid: xid.rawValue)
    builder.registerBlock(
      0, locator, fork, BlockNumber(0), page: page.bytes, flags: [.standard, .willInitialize])
    builder.append(locator)
    tuple.withUnsafeBytes { builder.appendData(copying: $0) }
    try log(&page)
  }
}
