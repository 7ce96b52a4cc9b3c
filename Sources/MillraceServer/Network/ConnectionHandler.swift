import NIOCore
import NIOSSL
import NIOTLS

/// The last handler of a connection's pipeline: negotiates how it begins, cuts what comes into messages, and gives
/// these to the session. On the connection's event loop; all work is done elsewhere.
final class ConnectionHandler: ChannelInboundHandler, ChannelOutboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = Never
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let services: SessionServices
  private let address: ClientAddress
  private let connection: Connection
  private var framer: MessageFramer
  private var session: ClientSession?
  private var phase = Phase.first
  private var isReadingAllowed = true
  private var isEncrypted = false
  /// Whether the session's thread serves the socket.
  private var isHandedOver = false
  private var deadline: Scheduled<Void>?

  private enum Phase {
    /// Nothing has come yet; the first byte may begin a TLS handshake.
    case first
    /// The startup packet is awaited.
    case startup
    /// TLS begins, and with it the startup packet is awaited again.
    case handshake(isDirect: Bool)
    case session
    /// Whatever comes is thrown away.
    case ending
  }

  init(_ services: SessionServices, _ address: ClientAddress, _ channel: any Channel) {
    (self.services, self.address) = (services, address)
    connection = Connection(channel)
    framer = MessageFramer(services.messageLimits)
  }

  // MARK: Life

  func handlerAdded(context: ChannelHandlerContext) {
    services.connectionHasBegun()
    let timeout = services.timeouts.authentication
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(timeout)) {
      self.authenticationIsLate()
    }
  }

  func channelActive(context: ChannelHandlerContext) { context.read() }

  func channelInactive(context: ChannelHandlerContext) {
    if isHandedOver { return context.fireChannelInactive() }
    deadline?.cancel()
    services.connectionHasEnded()
    phase = .ending
    connection.closed()
    session = nil
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    services.note("connection from \(address): \(error)")
    context.close(promise: nil)
  }

  private func authenticationIsLate() {
    if let session {
      guard session.stage != .known else { return }
      session.terminate(SessionServices.authenticationTimeout)
    } else {
      connection.channel.close(promise: nil)
    }
  }

  // MARK: Reading

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    if case .ending = phase { return }
    if case .first = phase, let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) {
      phase = .startup
      // What begins a TLS record (0x16) begins no startup packet, which would be larger than any may be.
      if first == 0x16 { return beginDirectTLS(bytes, context) }
    }
    framer.append(bytes)
    do throws(FramingError) {
      try process(context)
    } catch {
      refuse(error.report, context)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    context.fireChannelReadComplete()
    if isReadingAllowed { context.read() }
  }

  func read(context: ChannelHandlerContext) {
    if isReadingAllowed { context.read() }
  }

  private func process(_ context: ChannelHandlerContext) throws(FramingError) {
    while case .startup = phase {
      guard let packet = try framer.nextStartupPacket() else { return }
      do throws(ErrorReport) {
        try begin(try StartupPacket(packet), context)
      } catch {
        return refuse(error, context)
      }
    }
    guard case .session = phase, let session else { return }
    var frames: [Frame] = []
    switch session.stage {
    case .undecided:
      // Impatient clients send on; that is looked at when it is known whether it may be.
      isReadingAllowed = framer.pendingCount <= services.messageLimits.small
    case .asked:
      if let frame = try framer.next(isAuthenticated: false) { frames.append(frame) }
    case .known:
      while let frame = try framer.next(isAuthenticated: true) { frames.append(frame) }
    }
    guard !frames.isEmpty else { return }
    isReadingAllowed = connection.deliver(frames)
  }

  /// The session wants more than it had: goes on to read, and to cut what is there already.
  private func resume() {
    guard let context = contextIfAlive, case .session = phase else { return }
    isReadingAllowed = true
    do throws(FramingError) {
      try process(context)
    } catch {
      return refuse(error.report, context)
    }
    if isReadingAllowed { context.read() }
  }

  private var contextIfAlive: ChannelHandlerContext? {
    guard connection.channel.isActive else { return nil }
    return try? connection.channel.pipeline.syncOperations.context(handler: self)
  }

  // MARK: Beginning

  private func begin(_ packet: StartupPacket, _ context: ChannelHandlerContext) throws(ErrorReport) {
    switch packet {
    case .tlsRequest: try answerTLSRequest(context)
    case .gssEncryptionRequest:
      try requireNothingElse("received unencrypted data after GSSAPI encryption request")
      reply("N", context)
    case .cancel(let processID, let secret):
      services.cancel(processID: processID, secret: secret)
      phase = .ending
      context.close(promise: nil)
    case .startup(let parameters):
      phase = .session
      try start(parameters, context)
    }
  }

  private func start(_ parameters: StartupParameters, _ context: ChannelHandlerContext) throws(ErrorReport) {
    let session = try services.makeSession(connection, parameters, address, isEncrypted: isEncrypted)
    self.session = session
    let (services, loop) = (services, connection.channel.eventLoop)
    let handler = NIOLoopBound(self, eventLoop: loop)
    if !isEncrypted {
      // Who is sent the log sleeps until there is some; he needs somebody else to look for what he says.
      let mayServe = parameters.replication == .none
      if mayServe, handOver(handler, context) {
        phase = .ending
      } else {
        connection.allowDirectSending()
      }
    }
    session.onStage = { loop.execute { handler.value.stageHasChanged() } }
    connection.start(
      schedule: { services.pool.submit(session) },
      resumeReading: { loop.execute { handler.value.resume() } },
      onLoss: { services.clientIsLost(session) })
  }

  /// Has the session's thread serve the socket.
  private func handOver(_ handler: NIOLoopBound<ConnectionHandler>, _ context: ChannelHandlerContext) -> Bool {
    let (services, loop) = (services, connection.channel.eventLoop)
    let isTaken = connection.takeSocket(framer, services.watcher) {
      services.connectionHasEnded()
      loop.execute { handler.value.sessionIsOver() }
    }
    guard isTaken else { return false }
    isHandedOver = true
    framer = MessageFramer(services.messageLimits)
    // The socket stays open by its other descriptor.
    context.close(promise: nil)
    connection.beginServingSocket()
    return true
  }

  private func sessionIsOver() {
    deadline?.cancel()
    (deadline, session) = (nil, nil)
  }

  private func stageHasChanged() {
    if session?.stage == .known {
      deadline?.cancel()
      deadline = nil
    }
    if !isHandedOver { resume() }
  }

  private func reply(_ letter: Character, _ context: ChannelHandlerContext) {
    var buffer = context.channel.allocator.buffer(capacity: 1)
    buffer.writeString(String(letter))
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  /// Says why the connection ends, and ends it.
  private func refuse(_ report: ErrorReport, _ context: ChannelHandlerContext) {
    guard case .session = phase, let session else {
      phase = .ending
      services.log(report)
      let encoder = MessageEncoder()
      let last = LastWords(connection)
      encoder.transport = last
      // The transport does not throw.
      try? encoder.report(report)
      try? encoder.flush()
      connection.finish()
      return
    }
    phase = .ending
    session.terminate(report.with(.fatal))
  }

  // MARK: TLS

  private func answerTLSRequest(_ context: ChannelHandlerContext) throws(ErrorReport) {
    try requireNothingElse("received unencrypted data after SSL request")
    guard !isEncrypted, let tls = services.tls, case .network = address else { return reply("N", context) }
    reply("S", context)
    do {
      try context.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls), position: .first)
    } catch {
      throw ErrorReport(.fatal, .internalError, "could not initialize SSL connection: \(error)")
    }
    phase = .handshake(isDirect: false)
  }

  /// What comes in the clear behind a request for encryption may be somebody else's.
  private func requireNothingElse(_ message: String) throws(ErrorReport) {
    guard framer.pendingCount == 0 else {
      throw ErrorReport(
        .fatal, .protocolViolation, message,
        detail: "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.")
    }
  }

  private func beginDirectTLS(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    guard let tls = services.tls, case .network = address else {
      services.log(
        ErrorReport(.log, .protocolViolation, "received direct SSL connection request, but SSL is not enabled"))
      phase = .ending
      return context.close(promise: nil)
    }
    do {
      try context.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls), position: .first)
    } catch {
      services.note("could not initialize SSL connection: \(error)")
      return context.close(promise: nil)
    }
    phase = .handshake(isDirect: true)
    // From the top again, so that the new handler gets it.
    context.pipeline.fireChannelRead(bytes)
    context.pipeline.fireChannelReadComplete()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent, case .handshake(let isDirect) = phase {
      isEncrypted = true
      phase = .startup
      if isDirect, negotiated != TLSFiles.applicationProtocol {
        refuse(
          ErrorReport(
            .fatal, .protocolViolation,
            "received direct SSL connection request without ALPN protocol negotiation extension"), context)
      }
    }
    context.fireUserInboundEventTriggered(event)
  }
}
