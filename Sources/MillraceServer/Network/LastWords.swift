/// Sends what is said before a connection ends: nobody waits for a client that does not listen.
final class LastWords: MessageTransport {
  private let connection: Connection

  init(_ connection: Connection) { self.connection = connection }

  func send(_ bytes: UnsafeRawBufferPointer) throws(ErrorReport) { connection.sendAnyway(bytes) }
}
