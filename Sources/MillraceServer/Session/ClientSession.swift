import MillraceIO
import MillraceStorage
import NIOCore
import Synchronization

/// A session: what its client asks for, one message after another (PostgresMain, src/backend/tcop/postgres.c).
///
/// It runs on a thread of the pool while it has something to do, and gives the thread back when no transaction and no
/// portal is open and the client says nothing. Used by one thread at a time.
final class ClientSession: BackendPool.Work, @unchecked Sendable {
  // Safe because a session is scheduled on one thread at a time, and others reach the executor through a lock.

  let connection: Connection
  let startup: SessionStartup
  private let services: SessionServices
  private var phase = Phase.new
  private var executor: (any StatementExecutor)?
  /// Whether the executor has the thread.
  private var isAttached = false
  /// The same, for who cancels.
  private let cancellable = Locked<(any StatementExecutor)?>(nil)
  /// After an error in the extended protocol, until Sync.
  private var isSkipping = false
  /// Whether a statement has failed in the extended protocol rather than in the simple one.
  private var isExtended = false
  private var authentication: Authentication?
  /// Ends the session when it has been idle for too long.
  private var idleTimer: Scheduled<Void>?
  private let currentStage = Atomic<UInt8>(0)
  /// Called when the stage has changed.
  var onStage: (@Sendable () -> Void)?
  /// Who it is; nil before it is known.
  private(set) var role: Role?

  private enum Phase {
    case new
    case authenticating
    case ready
    case ended
  }

  init(_ connection: Connection, _ startup: SessionStartup, _ services: SessionServices) {
    (self.connection, self.startup, self.services) = (connection, startup, services)
  }

  // MARK: From anywhere

  /// How far it is known who the client is, which decides what it may send.
  enum Stage: UInt8 {
    /// It has not been found out yet how it will be asked.
    case undecided = 0
    /// It is to answer.
    case asked = 1
    case known = 2
  }

  var stage: Stage { Stage(rawValue: currentStage.load(ordering: .acquiring)) ?? .undecided }

  private func enter(_ stage: Stage) {
    currentStage.store(stage.rawValue, ordering: .releasing)
    onStage?()
  }

  /// Cancels the running statement.
  func cancel() {
    cancellable.withLock { $0 }?.cancel()
    connection.latch.set()
  }

  /// Ends the session; a running statement is cancelled.
  func terminate(_ report: ErrorReport) {
    connection.terminate(report)
    cancel()
  }

  func cannotRun(_ error: MillraceIO.IOError) {
    services.log(ErrorReport(.log, .internalError, "could not start a thread for a connection: \(error)"))
    end(reporting: ErrorReport(.fatal, .outOfMemory, "out of memory", detail: "No thread can be started."), nil)
  }

  // MARK: The thread

  func run(on thread: BackendThread) {
    guard phase != .ended else { return }
    let encoder = thread.encoder
    encoder.transport = connection
    defer {
      encoder.discard()
      encoder.transport = nil
    }
    do throws(ErrorReport) {
      if phase == .new { try begin(thread) }
      while let frame = try next(thread) { try handle(frame, thread) }
    } catch {
      end(reporting: error, thread)
    }
  }

  /// Waits for a message as long as the session needs its thread.
  /// - Returns: nil where the thread is given back; then another may have the session already.
  /// - Throws: FATAL: the session ends.
  private func next(_ thread: BackendThread) throws(ErrorReport) -> Frame? {
    // Answers that the client has not asked to be sent yet are in the thread's buffer.
    let needsThread = executor?.needsThread ?? false || thread.encoder.pendingCount > 0
    if !needsThread { detach() }
    let limit = needsThread && executor?.transactionStatus != .idle ? services.timeouts.idleInTransaction : 0
    switch connection.next(waits: needsThread, nanoseconds: limit > 0 ? limit : -1) {
    case .frame(let frame):
      try attach(to: thread)
      return frame
    case .nothing: return nil
    case .terminated(let report): throw report
    case .closed: throw Self.clientLeft
    case .timeout:
      throw ErrorReport(
        .fatal, .idleInTransactionTimeout, "terminating connection due to idle-in-transaction timeout")
    }
  }

  private func attach(to thread: BackendThread) throws(ErrorReport) {
    guard !isAttached, let executor else { return }
    try executor.attach(to: thread)
    isAttached = true
  }

  private func detach() {
    if isAttached { executor?.detach() }
    isAttached = false
  }

  /// The client has closed the connection without a word: nobody is told.
  private static let clientLeft = ErrorReport(
    .fatal, .connectionFailure, "unexpected EOF on client connection")

  private func handle(_ frame: Frame, _ thread: BackendThread) throws(ErrorReport) {
    if phase == .authenticating { return try authenticate(frame, thread) }
    idleTimer?.cancel()
    idleTimer = nil
    do throws(ErrorReport) {
      try dispatch(frame, thread)
    } catch {
      try recover(from: error, thread.encoder)
    }
  }

  /// Reports an error, and goes on after it.
  /// - Throws: it again, where the session cannot go on.
  private func recover(from error: ErrorReport, _ encoder: MessageEncoder) throws(ErrorReport) {
    encoder.abandon()
    if let termination = connection.termination { throw termination }
    guard error.severity < .fatal else { throw error }
    executor?.abort()
    executor?.clearCancellation()
    services.log(error)
    try encoder.report(error)
    if isExtended {
      isSkipping = true
      try encoder.flush()
    } else {
      try ready(encoder)
    }
  }

  // MARK: Beginning

  private func begin(_ thread: BackendThread) throws(ErrorReport) {
    let encoder = thread.encoder
    if startup.parameters.needsNegotiation {
      try encoder.negotiateVersion(
        startup.parameters.version, unknownOptions: startup.parameters.unknownOptions)
    }
    phase = .authenticating
    let authentication = try services.authentication(for: startup, thread)
    self.authentication = authentication
    try proceed(with: try authentication.begin(), thread)
  }

  private func authenticate(_ frame: Frame, _ thread: BackendThread) throws(ErrorReport) {
    guard frame.kind == MessageKind.password, let authentication else {
      throw ErrorReport(
        .fatal, .protocolViolation, "expected password response, got message type \(frame.kind)")
    }
    try proceed(with: try authentication.respond(to: frame.body), thread)
  }

  private func proceed(with steps: [AuthenticationRequest], _ thread: BackendThread) throws(ErrorReport) {
    for step in steps {
      try thread.encoder.authentication(step)
      if case .ok = step { return try welcome(thread) }
    }
    try thread.encoder.flush()
    if stage == .undecided { enter(.asked) }
  }

  /// The client is who it says: it gets its executor, and what it needs to know.
  private func welcome(_ thread: BackendThread) throws(ErrorReport) {
    let encoder = thread.encoder
    authentication = nil
    let (executor, role) = try services.makeExecutor(self, thread)
    self.role = role
    self.executor = executor
    cancellable.withLock { $0 = executor }
    try attach(to: thread)
    for (name, value) in executor.initialParameters { try encoder.parameterStatus(name, value) }
    try encoder.backendKey(processID: startup.processID, secret: startup.secret)
    phase = .ready
    connection.isAuthenticated = true
    enter(.known)
    try ready(encoder)
  }

  /// Waits for the next statement.
  private func ready(_ encoder: MessageEncoder) throws(ErrorReport) {
    isExtended = false
    executor?.clearCancellation()
    let status = executor?.transactionStatus ?? .idle
    try encoder.readyForQuery(status)
    try encoder.flush()
    if status == .idle { idleTimer = services.sessionIsIdle(self) }
  }

  // MARK: Messages

  private func dispatch(_ frame: Frame, _ thread: BackendThread) throws(ErrorReport) {
    guard let executor else { return }
    let encoder = thread.encoder
    switch frame.kind {
    case MessageKind.sync, MessageKind.terminate:
      (isSkipping, isExtended) = (false, false)
    case MessageKind.query, MessageKind.functionCall:
      isExtended = false
    case MessageKind.copyData, MessageKind.copyDone, MessageKind.copyFail:
      // What a COPY that has failed was still sent.
      return
    default: isExtended = true
    }
    if isSkipping { return }
    switch try FrontendMessage(frame) {
    case .query(let sql):
      try executor.simpleQuery(sql, ResponseSink(encoder, connection))
      try ready(encoder)
    case .parse(let name, let sql, let types):
      try executor.parse(name: name, sql: sql, parameterTypes: types)
      try encoder.empty("1")
    case .bind(let message):
      try executor.bind(message)
      try encoder.empty("2")
    case .describe(let target): try describe(target, executor, encoder)
    case .execute(let portal, let maxRows): try execute(portal, maxRows, executor, encoder)
    case .close(let target):
      try executor.close(target)
      try encoder.empty("3")
    case .flush: try encoder.flush()
    case .sync:
      try executor.sync()
      try ready(encoder)
    case .copyData, .copyDone, .copyFail: break
    case .functionCall:
      throw ErrorReport(
        .error, .featureNotSupported, "function calls by the protocol's FunctionCall message are not supported",
        hint: "Call the function in a SELECT.")
    case .terminate: throw Self.goodbye
    }
  }

  /// The client has said goodbye.
  private static let goodbye = ErrorReport(.fatal, .successfulCompletion, "")

  private func describe(
    _ target: StatementTarget, _ executor: any StatementExecutor, _ encoder: MessageEncoder
  ) throws(ErrorReport) {
    let description = try executor.describe(target)
    if case .statement = target { try encoder.parameterDescription(description.parameterTypes) }
    guard let columns = description.columns else { return try encoder.empty("n") }
    try encoder.rowDescription(columns, description.formats)
  }

  private func execute(
    _ portal: String, _ maxRows: Int, _ executor: any StatementExecutor, _ encoder: MessageEncoder
  ) throws(ErrorReport) {
    switch try executor.execute(portal: portal, maxRows: max(maxRows, 0), ResponseSink(encoder, connection)) {
    case .completed(let tag): try encoder.commandComplete(tag)
    case .suspended: try encoder.empty("s")
    case .empty: try encoder.empty("I")
    }
  }

  // MARK: The end

  /// Ends the session: what is open is rolled back, the client is told why if it does not know, the connection closed.
  private func end(reporting report: ErrorReport, _ thread: BackendThread?) {
    guard phase != .ended else { return }
    let wasAuthenticating = phase == .authenticating || phase == .new
    phase = .ended
    idleTimer?.cancel()
    cancellable.withLock { $0 = nil }
    if executor != nil, let thread { try? attach(to: thread) }
    executor?.end()
    detach()
    executor = nil
    authentication = nil
    let isSilent = report == Self.goodbye || connection.isClosed
    if report != Self.goodbye, !(report == Self.clientLeft && wasAuthenticating) { services.log(report) }
    if !isSilent, report != SessionServices.authenticationTimeout {
      let encoder = thread?.encoder ?? MessageEncoder()
      let last = LastWords(connection)
      encoder.abandon()
      encoder.transport = last
      // The transport does not throw.
      try? encoder.report(report)
      try? encoder.flush()
      encoder.transport = nil
    }
    connection.finish()
    services.sessionHasEnded(self)
  }
}
