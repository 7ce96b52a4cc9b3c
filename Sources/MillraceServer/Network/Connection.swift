#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
import MillraceIO
import MillraceStorage
import NIOCore

/// A client's connection, between who serves its socket and the thread that its session works on, if it has one.
///
/// Without TLS the thread serves the socket itself (``ClientSocket``), and a ``SocketWatcher`` waits for the client
/// while the session has no thread. Else an event loop does:
///
/// **In.** The loop delivers whole messages. A message for a session without a thread has it scheduled. Where messages
/// come faster than they are served, the loop stops to read.
///
/// **Out.** What the socket takes at once the thread sends itself, so that an answer does not wait for the loop. The
/// rest, and all that goes through TLS, it hands over, and waits while the client has not taken what it was sent
/// before: what is kept here for a slow reader is bounded.
///
/// Whoever changes something that the thread may be waiting for sets ``latch``.
final class Connection: MessageTransport, @unchecked Sendable {
  // Safe because what changes is behind the lock, and the latch is made for threads.

  /// Messages that are kept, in bytes, before the loop stops to read, and below which it begins again.
  static let inputHigh = 256 << 10
  static let inputLow = 64 << 10
  /// What the client has not taken yet, in bytes, before who sends has to wait, and below which it goes on.
  static let outputHigh = 128 << 10
  static let outputLow = 32 << 10

  let channel: any Channel
  /// What the session's thread serves itself. Set before the session begins.
  private var socket: ClientSocket?
  private var watcher: (SocketWatcher, key: UInt64)?
  /// Whether the client is known, which decides what it may send. Used by the session's thread.
  var isAuthenticated = false
  /// What the session's thread sleeps on.
  let latch = Latch()

  private struct State {
    var frames = CircularBuffer<Frame>()
    var inputBytes = 0
    /// Messages that the session has taken, since the beginning.
    var takenCount: UInt64 = 0
    var isInputPaused = false
    /// Nothing more comes from the client, and nothing can be sent to it.
    var isClosed = false
    /// The same of a socket that is open still.
    var isAtEnd = false
    /// Why the session is to end.
    var termination: ErrorReport?
    /// A thread has the session, or is about to.
    var isScheduled = false
    var schedule: (@Sendable () -> Void)?
    /// The socket, by a descriptor of our own, so that it cannot become another's while it is used; -1 for none.
    var socket: Int32 = -1
    var unsent: [ByteBuffer] = []
    var outstanding = 0
    var isDrainScheduled = false
    var resumeReading: (@Sendable () -> Void)?
    var onLoss: (@Sendable () -> Void)?
    var onEnd: (@Sendable () -> Void)?
  }

  private let state = Locked(State())

  init(_ channel: any Channel) { self.channel = channel }

  deinit { state.withLock { Self.closeSocket(&$0) } }

  private static func closeSocket(_ state: inout State) {
    if state.socket >= 0 { close(state.socket) }
    state.socket = -1
  }

  // MARK: On the event loop

  /// Lets the session's thread serve the socket, which is the loop's no longer: the channel is to be closed.
  /// - Parameter framer: with what has been read already.
  /// - Returns: whether that is possible.
  func takeSocket(_ framer: MessageFramer, _ watcher: SocketWatcher, onEnd: @escaping @Sendable () -> Void) -> Bool {
    let copy = duplicateSocket()
    guard copy >= 0 else { return false }
    let socket = ClientSocket(copy, framer)
    guard let key = watcher.add(self, copy) else {
      socket.close()
      return false
    }
    (self.socket, self.watcher) = (socket, (watcher, key))
    state.withLock { $0.onEnd = onEnd }
    return true
  }

  /// The loop has let go of the socket.
  func beginServingSocket() {
    guard let descriptor = socket?.descriptor else { return }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
  }

  /// The socket by another descriptor; -1 where there is none to be had.
  private func duplicateSocket() -> Int32 {
    let pipeline = channel.pipeline.syncOperations
    let copy = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
      fcntl(socket, F_DUPFD_CLOEXEC, 0)
    }
    return copy.flatMap { $0 } ?? -1
  }

  /// Says how the session gets a thread, how reading goes on, and who is told when the client is gone.
  func start(
    schedule: @escaping @Sendable () -> Void, resumeReading: @escaping @Sendable () -> Void,
    onLoss: @escaping @Sendable () -> Void
  ) {
    state.withLock { state in
      (state.schedule, state.resumeReading, state.onLoss) = (schedule, resumeReading, onLoss)
      state.isScheduled = true
    }
    schedule()
  }

  /// Lets the session's thread send by itself. Not where what is sent must be encrypted.
  func allowDirectSending() {
    let copy = duplicateSocket()
    // Where there is no descriptor to be had, the loop sends.
    if copy >= 0 { state.withLock { $0.socket = copy } }
  }

  /// Hands messages to the session.
  /// - Returns: whether more may be read.
  func deliver(_ frames: [Frame]) -> Bool {
    let (schedule, mayRead) = state.withLock { state in
      for frame in frames {
        state.frames.append(frame)
        state.inputBytes += frame.cost
      }
      state.isInputPaused = state.inputBytes > Self.inputHigh
      return (Self.takeSchedule(&state), !state.isInputPaused)
    }
    wake(schedule)
    return mayRead
  }

  /// The client is gone.
  func closed() {
    let (schedule, onLoss) = state.withLock { state in
      state.isClosed = true
      Self.closeSocket(&state)
      state.unsent = []
      let onLoss = state.onLoss
      state.onLoss = nil
      return (Self.takeSchedule(&state), onLoss)
    }
    onLoss?()
    wake(schedule)
  }

  // MARK: From anywhere

  /// Has the session end, with a report of severity FATAL that the client gets if it can. The first one counts.
  func terminate(_ report: ErrorReport) {
    let schedule = state.withLock { state in
      if state.termination == nil { state.termination = report }
      interruptSocket(isClosed: state.isClosed)
      return Self.takeSchedule(&state)
    }
    wake(schedule)
  }

  /// Wakes the thread where it waits for the client.
  private func interruptSocket(isClosed: Bool) {
    if !isClosed { socket?.interrupt() }
  }

  /// The same, unless a message has come since so many had been taken.
  ///
  /// That decides, and not whether a thread has the session: who has just sent an answer may still be on its way to the
  /// next message, for as long as the system lets others run.
  func terminate(_ report: ErrorReport, ifIdleSince takenCount: UInt64) {
    let schedule = state.withLock { state -> (@Sendable () -> Void)? in
      guard state.frames.isEmpty, state.takenCount == takenCount else { return nil }
      if state.termination == nil { state.termination = report }
      interruptSocket(isClosed: state.isClosed)
      return Self.takeSchedule(&state)
    }
    wake(schedule)
  }

  /// Messages that the session has taken, since the beginning.
  var takenCount: UInt64 { state.withLock { $0.takenCount } }

  private static func takeSchedule(_ state: inout State) -> (@Sendable () -> Void)? {
    guard !state.isScheduled, let schedule = state.schedule else { return nil }
    state.isScheduled = true
    return schedule
  }

  private func wake(_ schedule: (@Sendable () -> Void)?) {
    latch.set()
    schedule?()
  }

  /// On the watcher's thread: the client has said something, or has left.
  func socketHasNews(isReadable: Bool, isLost: Bool) {
    let (schedule, onLoss) = state.withLock { state -> ((@Sendable () -> Void)?, (@Sendable () -> Void)?) in
      guard !state.isClosed, let socket, let (watcher, key) = watcher else { return (nil, nil) }
      // What is waited for is told once.
      if !isLost { watcher.watch(key, socket.descriptor, forInput: false) }
      return (isReadable ? Self.takeSchedule(&state) : nil, isLost ? state.onLoss : nil)
    }
    onLoss?()
    schedule?()
  }

  var isClosed: Bool { state.withLock { $0.isClosed || $0.isAtEnd } }

  var termination: ErrorReport? { state.withLock { $0.termination } }

  /// Bytes that the client has not taken.
  var outstandingOutput: Int { state.withLock { $0.outstanding } }

  /// Bytes of messages that wait here.
  var waitingInput: Int { state.withLock { $0.inputBytes } }

  // MARK: On the session's thread: in

  enum Input {
    case frame(Frame)
    /// There is nothing to do; the session has given its thread back.
    case nothing
    /// The client is gone.
    case closed
    /// The session is to end.
    case terminated(ErrorReport)
    /// The time is over.
    case timeout
  }

  /// The next message.
  /// - Parameters:
  ///   - waits: whether the session keeps its thread while there is none.
  ///   - nanoseconds: to wait at most; negative for ever.
  func next(waits: Bool, nanoseconds: Int64 = -1) -> Input {
    let deadline = nanoseconds < 0 ? nil : monotonicNanoseconds() + UInt64(nanoseconds)
    if let socket { return next(socket, waits: waits, deadline) }
    while true {
      latch.reset()
      let (input, resume) = take(waits: waits)
      resume?()
      if let input { return input }
      guard let deadline else {
        latch.wait(-1)
        continue
      }
      let now = monotonicNanoseconds()
      if now >= deadline { return .timeout }
      latch.wait(Int64(deadline - now))
    }
  }

  private func next(_ socket: ClientSocket, waits: Bool, _ deadline: UInt64?) -> Input {
    socket.endIdle()
    while true {
      do throws(FramingError) {
        let frame = try socket.nextFrame(isAuthenticated: isAuthenticated)
        if let input = take(frame) { return input }
      } catch {
        return .terminated(error.report.with(.fatal))
      }
      switch socket.receive(waits: deadline == nil && (waits || socket.isBusy)) {
      case .bytes: continue
      case .end:
        return state.withLock { state in
          // Then nothing is read any more, either.
          if let termination = state.termination { return .terminated(termination) }
          state.isAtEnd = true
          return .closed
        }
      case .nothing: break
      }
      guard waits else {
        if beginIdle(socket) { return .nothing }
        continue
      }
      var milliseconds: Int32 = -1
      if let deadline {
        let now = monotonicNanoseconds()
        if now >= deadline { return .timeout }
        milliseconds = Int32(clamping: (deadline - now + 999_999) / 1_000_000)
      }
      socket.waitForInput(milliseconds: milliseconds)
    }
  }

  /// Counts a message as taken, unless the session is to end.
  private func take(_ frame: Frame?) -> Input? {
    state.withLock { state in
      if let termination = state.termination { return .terminated(termination) }
      guard let frame else { return nil }
      state.takenCount += 1
      return .frame(frame)
    }
  }

  /// Gives the session's thread back, until the watcher has news.
  private func beginIdle(_ socket: ClientSocket) -> Bool {
    state.withLock { state in
      guard state.termination == nil, let (watcher, key) = watcher else { return false }
      socket.beginIdle()
      watcher.watch(key, socket.descriptor, forInput: true)
      state.isScheduled = false
      return true
    }
  }

  private func take(waits: Bool) -> (Input?, (@Sendable () -> Void)?) {
    state.withLock { state in
      if let termination = state.termination { return (.terminated(termination), nil) }
      if let frame = state.frames.popFirst() {
        state.inputBytes -= frame.cost
        state.takenCount += 1
        guard state.isInputPaused, state.inputBytes < Self.inputLow else { return (.frame(frame), nil) }
        state.isInputPaused = false
        return (.frame(frame), state.resumeReading)
      }
      if state.isClosed { return (.closed, nil) }
      if !waits {
        state.isScheduled = false
        return (.nothing, nil)
      }
      return (nil, nil)
    }
  }

  /// The next message, in the middle of a statement that needs it.
  /// - Throws: FATAL: the client is gone, or the session is to end.
  func requireFrame() throws(ErrorReport) -> Frame {
    switch next(waits: true) {
    case .frame(let frame): return frame
    case .terminated(let report): throw report
    case .closed, .nothing, .timeout: throw Self.lost
    }
  }

  /// - Throws: FATAL: the session is to end.
  func checkForTermination() throws(ErrorReport) {
    if let termination { throw termination }
  }

  static var lost: ErrorReport { ErrorReport(.fatal, .connectionFailure, "connection to client lost") }

  // MARK: On the session's thread: out

  func send(_ bytes: UnsafeRawBufferPointer) throws(ErrorReport) {
    if let socket { return try send(bytes, socket) }
    while true {
      latch.reset()
      let verdict = state.withLock { state -> Result<Bool, ErrorReport> in
        if state.isClosed { return .failure(Self.lost) }
        guard state.outstanding < Self.outputHigh else {
          return state.termination.map { .failure($0) } ?? .success(false)
        }
        return .success(true)
      }
      if try verdict.get() { break }
      latch.wait(-1)
    }
    enqueue(bytes)
  }

  private func send(_ bytes: UnsafeRawBufferPointer, _ socket: ClientSocket) throws(ErrorReport) {
    var rest = bytes
    while true {
      let sent = socket.send(rest)
      if sent == rest.count { return }
      guard sent >= 0 else { throw Self.lost }
      rest = UnsafeRawBufferPointer(rebasing: rest[sent...])
      try checkForTermination()
      // A session that is told to end by then is not kept for ever by a client that does not read.
      socket.waitForRoom(milliseconds: 100)
    }
  }

  /// Sends without waiting for long: the last words of a session.
  func sendAnyway(_ bytes: UnsafeRawBufferPointer) {
    if isClosed { return }
    guard let socket else { return enqueue(bytes) }
    var rest = bytes
    for attempt in 0..<2 {
      let sent = socket.send(rest)
      if sent < 0 || sent == rest.count { return }
      rest = UnsafeRawBufferPointer(rebasing: rest[sent...])
      if attempt == 0 { socket.waitForRoom(milliseconds: 1000) }
    }
  }

  private func enqueue(_ bytes: UnsafeRawBufferPointer) {
    let sent = sendDirectly(bytes)
    guard sent < bytes.count else { return }
    let bytes = UnsafeRawBufferPointer(rebasing: bytes[sent...])
    var buffer = channel.allocator.buffer(capacity: bytes.count)
    buffer.writeBytes(bytes)
    let needsDrain = state.withLock { state in
      state.unsent.append(buffer)
      state.outstanding += bytes.count
      defer { state.isDrainScheduled = true }
      return !state.isDrainScheduled
    }
    if needsDrain { channel.eventLoop.execute { self.drain() } }
  }

  /// Sends what the socket takes at once, unless something else is on its way to it.
  /// - Returns: bytes.
  private func sendDirectly(_ bytes: UnsafeRawBufferPointer) -> Int {
    state.withLock { state in
      guard state.socket >= 0, state.outstanding == 0 else { return 0 }
      // An error is the loop's to find, when it sends the rest.
      return max(Foreign.send(state.socket, bytes), 0)
    }
  }

  /// On the event loop: gives the socket what has come together.
  private func drain() {
    let buffers = state.withLock { state in
      state.isDrainScheduled = false
      defer { state.unsent = [] }
      return state.unsent
    }
    guard !buffers.isEmpty else { return }
    let count = buffers.reduce(0) { $0 + $1.readableBytes }
    for buffer in buffers.dropLast() { channel.write(buffer, promise: nil) }
    guard let last = buffers.last else { return }
    let written = channel.eventLoop.makePromise(of: Void.self)
    written.futureResult.whenComplete { _ in self.wasTaken(count) }
    channel.writeAndFlush(last, promise: written)
  }

  private func wasTaken(_ count: Int) {
    let isLow = state.withLock { state in
      state.outstanding -= count
      return state.outstanding < Self.outputLow
    }
    if isLow { latch.set() }
  }

  /// Closes the connection when the client has taken what was sent, or has had some seconds for it.
  func finish() {
    if let socket { return finish(socket) }
    state.withLock { (state) in (state.schedule, state.resumeReading) = (nil, nil) }
    let channel = channel
    channel.eventLoop.execute {
      self.drain()
      let close = channel.eventLoop.scheduleTask(in: .seconds(5)) { channel.close(promise: nil) }
      channel.writeAndFlush(channel.allocator.buffer(capacity: 0)).whenComplete { _ in
        close.cancel()
        channel.close(promise: nil)
      }
    }
  }
}

extension Connection {
  /// Closes the socket.
  private func finish(_ socket: ClientSocket) {
    if let (watcher, key) = watcher { watcher.remove(key) }
    let onEnd = state.withLock { state in
      guard !state.isClosed else { return nil as (@Sendable () -> Void)? }
      state.isClosed = true
      socket.close()
      defer { (state.schedule, state.resumeReading, state.onLoss, state.onEnd) = (nil, nil, nil, nil) }
      return state.onEnd
    }
    onEnd?()
  }
}

/// The system's `send`, whose name is a method's here.
private enum Foreign {
  static func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Glibc)
      Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    #else
      Darwin.send(socket, bytes.baseAddress, bytes.count, MSG_DONTWAIT)
    #endif
  }
}
