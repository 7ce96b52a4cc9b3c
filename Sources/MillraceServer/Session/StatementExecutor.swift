public import MillraceTypes

/// What runs a session's statements: the floor below the protocol, as the protocol sees it.
///
/// One executor serves one session. It is called by one thread at a time, in blocking style, except for ``cancel()``.
/// Every call may throw an ``ErrorReport``; one of severity FATAL ends the session, another one fails the statement:
/// ``abort()`` follows, and in the extended protocol everything is skipped until the client's Sync.
///
/// **Threads.** Between ``attach(to:)`` and ``detach()`` it has a thread, with what the thread keeps for it (an I/O
/// backend, a session of the engine). It is detached only while ``needsThread`` is false: an executor that is idle
/// holds nothing but its own state.
///
/// **Transactions.** The statements of one ``simpleQuery(_:_:)``, and all that runs in the extended protocol up to
/// ``sync()``, form one transaction, unless a transaction block is open or they open one (PostgreSQL's implicit
/// transaction blocks).
public protocol StatementExecutor: AnyObject {
  /// What clients are told at the start: settings with their values (ParameterStatus).
  var initialParameters: [(name: String, value: String)] { get }

  var transactionStatus: TransactionStatus { get }

  /// Whether a transaction, implicit ones included, or a portal is open.
  var needsThread: Bool { get }

  func attach(to thread: BackendThread) throws(ErrorReport)
  func detach()

  /// Runs a string of statements. Each that is complete is reported through `sink`, with its rows and its tag.
  func simpleQuery(_ sql: String, _ sink: ResponseSink) throws(ErrorReport)

  /// Prepares a statement. An empty name stands for the unnamed one, which is replaced silently.
  /// - Parameter parameterTypes: OIDs of types as far as the client says them; 0 where it leaves one open.
  func parse(name: String, sql: String, parameterTypes: [UInt32]) throws(ErrorReport)

  /// Makes a portal of a prepared statement.
  func bind(_ message: BindMessage) throws(ErrorReport)

  func describe(_ target: StatementTarget) throws(ErrorReport) -> StatementDescription

  /// Runs a portal, or goes on with it. Its rows go to `sink`, without a description.
  /// - Parameter maxRows: 0 for all.
  func execute(portal: String, maxRows: Int, _ sink: ResponseSink) throws(ErrorReport) -> ExecutionOutcome

  /// Forgets a prepared statement or a portal; no error where there is none.
  func close(_ target: StatementTarget) throws(ErrorReport)

  /// Ends the implicit transaction of what was executed since the last one.
  func sync() throws(ErrorReport)

  /// A call has thrown: rolls back the implicit transaction, or fails the transaction block.
  func abort()

  /// Lets the running statement end soon with SQLSTATE 57014. On any thread, at any time; without effect where none
  /// runs.
  func cancel()

  /// Forgets a ``cancel()`` that came too late. Before the session waits for its next message.
  func clearCancellation()

  /// The session is over: rolls back what is open. Its thread, if it has one, is still attached.
  func end()
}

/// What Describe tells of a prepared statement or a portal.
public struct StatementDescription: Sendable {
  /// Of a statement; empty for a portal.
  public var parameterTypes: [UInt32]
  /// Nil where no rows are returned.
  public var columns: [ColumnDescription]?
  /// Of a portal: none for text, one for all columns, or one for each. A statement's are not known yet, and shown as
  /// text.
  public var formats: [ValueFormat]

  public init(
    parameterTypes: [UInt32] = [], columns: [ColumnDescription]? = nil, formats: [ValueFormat] = []
  ) {
    (self.parameterTypes, self.columns, self.formats) = (parameterTypes, columns, formats)
  }
}

/// How the execution of a portal ended.
public enum ExecutionOutcome: Sendable {
  /// It has run to its end; the command's tag.
  case completed(String)
  /// So many rows as were asked for have been sent, and there may be more.
  case suspended
  /// There was no statement in the string.
  case empty
}
