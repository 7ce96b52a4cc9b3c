import MillraceEngine
import MillraceIO
import MillraceSQL
import MillraceTypes

/// A session of the database with a thread of its own, on which all of the actor's work is done.
actor Connection {
  private nonisolated let thread: DatabaseThread
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
  private var session: SQLSession?
  private nonisolated let control: SessionControl
  private let receiver: ChunkReceiver
  /// Of the query that is running; counts up, so that one that is long over cannot end another.
  private var queryNumber: UInt64 = 0
  private var isQueryOpen = false
  /// Whether its implicit transaction ends with the query.
  private var isQueryImplicit = false
  private var isFailed = false

  /// Rows that are copied out at a time.
  private static let chunkRows = 256

  private init(_ thread: DatabaseThread, _ session: sending SQLSession, _ receiver: sending ChunkReceiver) {
    (self.thread, self.receiver) = (thread, receiver)
    control = session.session.control
    session.isCallerCancelled = { Task.isCancelled }
    self.session = session
  }

  /// Opens a session of a database, on a new thread.
  static func open(
    _ instance: SQLInstance, database: String, user: String, name: String,
    onNotice: @escaping @Sendable (String) -> Void
  ) throws -> Connection {
    let thread = try DatabaseThread.start(name)
    do {
      let session = try instance.database.makeSession(name)
      try session.connect(to: database)
      var identity = SessionIdentity(user: user)
      identity.applicationName = name
      let sql = try SQLSession(session, instance, identity)
      return Connection(thread, sql, ChunkReceiver(onNotice))
    } catch {
      thread.end()
      throw error
    }
  }

  /// Lets the running statement end soon.
  nonisolated func cancel() { control.cancel() }

  /// Lets the running statement and all that follow fail.
  nonisolated func terminate() { control.terminate() }

  /// Ends the session. Nothing may be asked of it any more.
  func close() {
    session?.close()
    session = nil
  }

  /// Ends the thread, after ``close()``.
  nonisolated func join() { thread.end() }

  // MARK: Statements

  /// Runs statements that are separated by semicolons, without arguments.
  /// - Returns: how many rows the last one has changed or given.
  func run(_ sql: String) throws -> Int {
    let session = try open()
    receiver.clear()
    do {
      try session.run(sql, receiver)
    } catch {
      session.abort()
      throw DatabaseError(error, sql)
    }
    return receiver.rowCount
  }

  /// Begins a query.
  /// - Returns: its number and its columns.
  func beginQuery(
    _ sql: String, _ arguments: [SQLArgument]
  ) throws -> (number: UInt64, columns: [RowChunk.Column]) {
    let session = try open()
    guard !isQueryOpen else {
      throw DatabaseError(
        sqlState: "55006", "another query of this transaction is still being read; read it to its end first")
    }
    queryNumber += 1
    isQueryImplicit = session.status == .idle
    receiver.clear()
    do {
      try session.prepare(name: "", sql, parameterTypes: arguments.map(\.type), receiver)
      try bind(arguments, session)
      let columns = session.columns(ofPortal: "") ?? []
      isQueryOpen = true
      return (
        queryNumber,
        columns.map { RowChunk.Column(name: $0.name, type: $0.type.id, descriptor: TypeDescriptor.builtIn[$0.type.id]) }
      )
    } catch {
      fail(session)
      throw DatabaseError(error, sql)
    }
  }

  /// Some more rows of a query.
  /// - Returns: nil at the end.
  func nextChunks(_ number: UInt64, _ columns: [RowChunk.Column]) throws -> [RowChunk]? {
    guard isQueryOpen, number == queryNumber, let session else { return nil }
    receiver.begin(columns)
    do {
      let outcome = try session.execute(portal: "", limit: Self.chunkRows, receiver)
      let chunks = receiver.take()
      if case .suspended = outcome { return chunks }
      try finish(session, outcome)
      return chunks
    } catch {
      fail(session)
      throw DatabaseError(error)
    }
  }

  /// Runs a query to its end, without its rows.
  /// - Returns: how many rows it has changed or given.
  func execute(_ sql: String, _ arguments: [SQLArgument]) throws -> Int {
    guard !arguments.isEmpty else { return try run(sql) }
    let (number, _) = try beginQuery(sql, arguments)
    guard let session else { return 0 }
    receiver.clear()
    do {
      let outcome = try session.execute(portal: "", limit: 0, receiver)
      try finish(session, outcome)
    } catch {
      fail(session)
      throw DatabaseError(error, sql)
    }
    endQuery(number)
    return receiver.rowCount
  }

  /// Ends a query, wherever it is.
  func endQuery(_ number: UInt64) {
    guard isQueryOpen, number == queryNumber, let session else { return }
    isQueryOpen = false
    session.close(portal: "")
    guard isQueryImplicit else { return }
    do { try session.sync() } catch { session.abort() }
  }

  private func finish(_ session: SQLSession, _ outcome: SQLSession.Outcome) throws(SQLError) {
    isQueryOpen = false
    session.close(portal: "")
    if case .completed(let tag) = outcome { receiver.setTag(tag) }
    if isQueryImplicit { try session.sync() }
  }

  private func fail(_ session: SQLSession) {
    isQueryOpen = false
    session.abort()
  }

  private func bind(_ arguments: [SQLArgument], _ session: SQLSession) throws(SQLError) {
    // All of them one behind the other, so that one pointer holds still for all.
    var bytes: [UInt8] = []
    var ranges: [Range<Int>?] = []
    for argument in arguments {
      switch argument.value {
      case .null: ranges.append(nil)
      case .binary(let value):
        ranges.append(bytes.count..<bytes.count + value.count)
        bytes += value
      case .text(let text):
        ranges.append(bytes.count..<bytes.count + text.utf8.count)
        bytes += Array(text.utf8)
      }
    }
    try bytes.withByteView { view throws(SQLError) in
      let values = zip(arguments, ranges).map { argument, range in
        let isBinary = if case .binary = argument.value { true } else { false }
        return ParameterValue(range.map { view[$0] }, isBinary: isBinary)
      }
      try session.bind(portal: "", statement: "", values)
    }
  }

  private func open() throws -> SQLSession {
    guard let session else { throw DatabaseError(sqlState: "08003", "the database is closed") }
    return session
  }
}

/// Takes a statement's rows out of the engine's memory.
final class ChunkReceiver: SQLClient {
  private var columns: [RowChunk.Column] = []
  private var chunks: [RowChunk] = []
  private(set) var rowCount = 0
  private let onNotice: @Sendable (String) -> Void

  init(_ onNotice: @escaping @Sendable (String) -> Void) { self.onNotice = onNotice }

  func clear() { (columns, chunks, rowCount) = ([], [], 0) }

  /// Rows of these columns follow.
  func begin(_ columns: [RowChunk.Column]) { (self.columns, chunks) = (columns, []) }

  /// What has come.
  func take() -> [RowChunk] {
    defer { chunks = [] }
    return chunks
  }

  /// The number at the end of a tag: `UPDATE 3`.
  func setTag(_ tag: String) { rowCount = tag.split(separator: " ").last.flatMap { Int($0) } ?? 0 }

  func beginRows(_ columns: [ResultColumn]) {}

  func rows(_ batch: RowBatch, _ range: Range<Int>) {
    guard !columns.isEmpty, !range.isEmpty else { return }
    chunks.append(RowChunk(batch, range, columns))
  }

  func complete(_ tag: String) { setTag(tag) }
  func completeEmpty() { rowCount = 0 }
  func notice(_ severity: NoticeSeverity, _ message: SQLError) { onNotice("\(severity.rawValue):  \(message)") }
  func settingHasChanged(_ name: String, _ value: String) {}

  func beginCopyOut(isBinary: Bool, columns: Int) throws(SQLError) { throw Self.noCopy }
  func copyData(_ bytes: UnsafeRawBufferPointer) throws(SQLError) { throw Self.noCopy }
  func endCopyOut() throws(SQLError) { throw Self.noCopy }
  func beginCopyIn(isBinary: Bool, columns: Int) throws(SQLError) { throw Self.noCopy }
  func nextCopyData() throws(SQLError) -> ByteView? { throw Self.noCopy }

  private static var noCopy: SQLError {
    SQLError(
      .featureNotSupported, "COPY with a client is for psql and other clients of a server",
      hint: "Copy from or to a file, or use INSERT and SELECT.")
  }
}
