import MillraceEngine
import MillraceTypes

/// COPY (PostgreSQL's commands/copy.c).
extension SQLSession {
  /// - Returns: the tag.
  func run(_ statement: CopyStatement, _ client: any SQLClient) throws(SQLError) -> String {
    if statement.isProgram { throw .unsupported("COPY ... PROGRAM") }
    if statement.fileName != nil { try requireSuperuserForFiles(statement) }
    let options = try CopyOptions(statement.options, isFrom: statement.isFrom)
    let count =
      statement.isFrom
      ? try copyFrom(statement, options, client) : try copyTo(statement, options, client)
    return "COPY \(count)"
  }

  private func requireSuperuserForFiles(_ statement: CopyStatement) throws(SQLError) {
    guard !isSuperuser else { return }
    throw SQLError(
      .insufficientPrivilege, "permission denied to COPY \(statement.isFrom ? "from" : "to") a file",
      detail: "Only roles with privileges of the \"pg_\(statement.isFrom ? "read" : "write")_server_files\" role may "
        + "COPY \(statement.isFrom ? "from" : "to") a file.",
      hint: "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone.")
  }

  // MARK: TO

  private func copyTo(
    _ statement: CopyStatement, _ options: CopyOptions, _ client: any SQLClient
  ) throws(SQLError) -> UInt64 {
    let planned = try plan(try copyQuery(statement))
    guard planned.returnsRows else {
      throw SQLError(.featureNotSupported, "COPY query must have a RETURNING clause")
    }
    let columns = planned.columns.map { ResultColumn($0) }
    try require(options.forceQuote ?? [], among: columns.map(\.name), "FORCE_QUOTE")
    let execution = try QueryExecution(planned, self, parameters: noParameters)
    defer { execution.close() }
    let writer = CopyWriter(options, columns, typeSettings, catalog)
    let file = try statement.fileName.map { path throws(SQLError) in try CopyFile(writing: path) }
    let isBinary = options.format == .binary
    if file == nil { try client.beginCopyOut(isBinary: isBinary, columns: columns.count) }
    session.progress.begin(.copy, on: try copiedRelation(statement))
    session.progress.set(.command, CommandProgress.Copy.to)
    session.progress.set(.kind, file == nil ? CommandProgress.Copy.pipe : CommandProgress.Copy.file)
    defer { session.progress.end() }
    func send() throws(SQLError) {
      session.progress.add(.bytesProcessed, UInt64(writer.buffer.count))
      if let file { try file.write(writer.buffer.bytes) } else { try client.copyData(writer.buffer.bytes) }
      writer.buffer.clear()
    }
    // As PostgreSQL has it, this comes in one message with the first row, or with the end; clients rely on it.
    if isBinary { writer.buffer.append(CopyWriter.signature) }
    if options.hasHeader {
      writer.header(columns)
      try send()
    }
    var count: UInt64 = 0
    while let (batch, range) = try execution.next() {
      for place in range {
        writer.add(batch, Int(batch.selection[place]))
        // A client gets each row as a message; a file many at a time.
        if file == nil || writer.buffer.count >= CopyFile.pieceSize { try send() }
      }
      count += UInt64(range.count)
      session.progress.set(.tuplesProcessed, count)
    }
    if isBinary { writer.buffer.append([0xFF, 0xFF]) }
    if writer.buffer.count > 0 { try send() }
    if file == nil { try client.endCopyOut() }
    return count
  }

  /// The table that is copied; 0 for a query.
  private func copiedRelation(_ statement: CopyStatement) throws(SQLError) -> UInt32 {
    guard case .relation(let name, _) = statement.source else { return 0 }
    return try open(name, .accessShare).oid
  }

  private func copyQuery(_ statement: CopyStatement) throws(SQLError) -> Query {
    switch statement.source {
    case .query(let query):
      guard Self.isPlannable(query) else {
        throw SQLError(.featureNotSupported, "COPY (SELECT INTO) is not supported")
      }
      return try analyze(query, ParameterTypes([], isVariable: false))
    case .relation(let name, let columns):
      let relation = try open(name, .accessShare)
      guard relation.kind == .table || relation.kind == .materializedView else {
        throw SQLError(
          .wrongObjectType, "cannot copy from \(relation.kind.noun) \"\(relation.name)\"",
          hint: relation.kind == .view ? "Try the COPY (SELECT ...) TO variant." : nil)
      }
      let places = try copyColumns(columns, relation)
      let list = places.map { Deparser.quoted(identifier: relation.tuple.columns[$0].name) }
      let schema = try SQLError.engine { () throws(EngineError) in try catalog.namespaceName(relation.namespace) }
      let source =
        "SELECT \(list.joined(separator: ", ")) FROM ONLY \(Deparser.quoted(identifier: schema ?? ""))."
        + Deparser.quoted(identifier: relation.name)
      guard let parsed = try parse(source).first else { preconditionFailure("COPY's own SELECT is no statement") }
      return try analyze(parsed.statement, ParameterTypes([], isVariable: false))
    }
  }

  /// The columns that are copied, from 0 (CopyGetAttnums).
  func copyColumns(_ names: [String], _ relation: RelationDescriptor) throws(SQLError) -> [Int] {
    guard !names.isEmpty else {
      return relation.tuple.columns.indices.filter {
        !relation.tuple.columns[$0].isDropped && relation.tuple.columns[$0].generated == .none
      }
    }
    var places: [Int] = []
    for name in names {
      guard let place = relation.tuple.index(of: name) else {
        throw SQLError(
          .undefinedColumn, "column \"\(name)\" of relation \"\(relation.name)\" does not exist")
      }
      guard relation.tuple.columns[place].generated == .none else {
        throw SQLError(
          .invalidColumnReference, "column \"\(name)\" is a generated column",
          detail: "Generated columns cannot be used in COPY.")
      }
      guard !places.contains(place) else {
        throw SQLError(.duplicateColumn, "column \"\(name)\" specified more than once")
      }
      places.append(place)
    }
    return places
  }

  func require(_ names: [String], among columns: [String], _ option: String) throws(SQLError) {
    for name in names where !columns.contains(name) {
      throw SQLError(.invalidColumnReference, "\(option) column \"\(name)\" not referenced by COPY")
    }
  }

  // MARK: FROM

  private func copyFrom(
    _ statement: CopyStatement, _ options: CopyOptions, _ client: any SQLClient
  ) throws(SQLError) -> UInt64 {
    guard case .relation(let name, let columns) = statement.source else {
      throw SQLError(.syntaxError, "COPY FROM needs a table")
    }
    let relation = try open(name, .rowExclusive)
    guard relation.kind == .table else {
      throw SQLError(.wrongObjectType, "cannot copy to \(relation.kind.noun) \"\(relation.name)\"")
    }
    let places = try copyColumns(columns, relation)
    let names = places.map { relation.tuple.columns[$0].name }
    try require(options.forceNotNull, among: names, "FORCE_NOT_NULL")
    try require(options.forceNull, among: names, "FORCE_NULL")
    let input: any CopyInput
    if let path = statement.fileName {
      input = try CopyFile(reading: path)
    } else {
      try client.beginCopyIn(isBinary: options.format == .binary, columns: places.count)
      input = ClientCopyInput(client)
    }
    let counted = CountedCopyInput(input, session.progress)
    let loading = try CopyLoading(self, relation, places, options, statement.condition, counted)
    counted.loading = loading
    session.progress.begin(.copy, on: relation.oid)
    session.progress.set(.command, CommandProgress.Copy.from)
    session.progress.set(.kind, statement.fileName == nil ? CommandProgress.Copy.pipe : CommandProgress.Copy.file)
    defer { session.progress.end() }
    return try loading.run()
  }
}

/// Counts what comes, for `pg_stat_progress_copy`.
private final class CountedCopyInput: CopyInput {
  private let input: any CopyInput
  private let progress: CommandProgress
  weak var loading: CopyLoading?

  init(_ input: any CopyInput, _ progress: CommandProgress) { (self.input, self.progress) = (input, progress) }

  func next() throws(SQLError) -> ByteView? {
    progress.set(.tuplesProcessed, loading?.loadedCount ?? 0)
    let piece = try input.next()
    if let piece { progress.add(.bytesProcessed, UInt64(piece.count)) }
    return piece
  }
}

/// What a client sends.
private final class ClientCopyInput: CopyInput {
  private let client: any SQLClient

  init(_ client: any SQLClient) { self.client = client }

  func next() throws(SQLError) -> ByteView? { try client.nextCopyData() }
}
