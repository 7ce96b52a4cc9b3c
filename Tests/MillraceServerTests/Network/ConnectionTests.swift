import Glibc
import MillraceIO
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import MillraceServer

@Suite("A connection between its loop and its session's thread")
struct ConnectionTests {
  private static let tooLong = ErrorReport(.fatal, .idleSessionTimeout, "idle for too long")
  private static let message = Frame(kind: UInt8(ascii: "S"), body: ByteBuffer())

  private enum Seen: Equatable {
    case frame, nothing, closed, terminated(ErrorReport), timeout
  }

  /// What the session's thread is given next.
  private func next(_ connection: Connection) -> Seen {
    switch connection.next(waits: false) {
    case .frame: .frame
    case .nothing: .nothing
    case .closed: .closed
    case .terminated(let report): .terminated(report)
    case .timeout: .timeout
    }
  }

  /// A connection whose session has just been given a thread.
  private func connection() -> Connection {
    let connection = Connection(EmbeddedChannel())
    connection.start(schedule: {}, resumeReading: {}, onLoss: {})
    return connection
  }

  @Test("a session whose time is over ends, also where its thread is still on the way to its next message")
  func idleOnItsWay() {
    for givesThreadBack in [false, true] {
      let connection = connection()
      #expect(connection.deliver([Self.message]))
      #expect(next(connection) == .frame)
      let idleSince = connection.takenCount
      if givesThreadBack { #expect(next(connection) == .nothing) }
      connection.terminate(Self.tooLong, ifIdleSince: idleSince)
      #expect(next(connection) == .terminated(Self.tooLong))
    }
  }

  @Test("a message that comes before the time is over keeps the session, taken or not")
  func idleNoMore() {
    for isTaken in [false, true] {
      let connection = connection()
      let idleSince = connection.takenCount
      #expect(connection.deliver([Self.message]))
      if isTaken { #expect(next(connection) == .frame) }
      connection.terminate(Self.tooLong, ifIdleSince: idleSince)
      #expect(connection.termination == nil)
      #expect(next(connection) == (isTaken ? .nothing : .frame))
    }
  }

  /// What those hold who are told of a connection's news: its handler and its session, which hold the connection.
  private final class Listener: Sendable {
    let connection: Connection
    init(_ connection: Connection) { self.connection = connection }
  }

  @Test("a connection that has ended lets go of those who were told its news", arguments: [false, true])
  func released(servesSocket: Bool) async throws {
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    defer { close(ends[1]) }
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .withConnectedSocket(ends[0]).get()
    let watcher = SocketWatcher()
    weak var connection: Connection?
    weak var listener: Listener?
    (connection, listener) = try await channel.eventLoop.submit {
      let made = Connection(channel)
      let listener = Listener(made)
      if servesSocket {
        #expect(made.takeSocket(MessageFramer(.init()), watcher) { _ = listener })
      }
      made.start(schedule: { _ = listener }, resumeReading: { _ = listener }, onLoss: { _ = listener })
      if !servesSocket { made.closed() }
      made.finish()
      return (made, listener)
    }.get()
    channel.close(promise: nil)
    try await channel.closeFuture.get()
    // What the loop still had to do with it is done when it has done one more thing.
    try await channel.eventLoop.submit {}.get()
    watcher.stop()
    #expect(connection == nil && listener == nil)
  }
}
