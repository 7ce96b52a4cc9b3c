/// Where messages go when enough of them have come together.
protocol MessageTransport: AnyObject {
  /// Sends bytes; waits while the client is slow to read.
  /// - Throws: FATAL: the client is gone, or the session has been told to end.
  func send(_ bytes: UnsafeRawBufferPointer) throws(ErrorReport)
}

/// Puts messages for a client together, in one buffer of 8 kB as PostgreSQL does (src/backend/libpq/pqcomm.c), and
/// sends it when it is full. Used by one thread.
///
/// Nothing of a message is sent before it is complete, so one can be given up: an error in the middle of a row leaves
/// the stream intact. Encoding allocates nothing once the buffer has its size.
final class MessageEncoder {
  /// Bytes that are sent together.
  static let bufferSize = 8192

  private var buffer = OutputBuffer(capacity: bufferSize + 1024)
  /// Where the length of the message that is being put together stands.
  private var lengthOffset = -1
  var transport: (any MessageTransport)?
  /// Bytes that have been handed to the transport.
  private(set) var sentBytes: UInt64 = 0

  /// What is not sent yet.
  var pendingCount: Int { buffer.count }

  // MARK: Messages

  @inline(__always) func begin(_ kind: StaticString) {
    precondition(lengthOffset < 0, "a message is put together inside of another")
    buffer.append(kind.utf8Start.pointee)
    lengthOffset = buffer.count
    buffer.append(Int32(0))
  }

  /// Completes the message; sends the buffer if it is full.
  @inline(__always) func end() throws(ErrorReport) {
    let length = buffer.count - lengthOffset
    guard length <= Self.lengthMax else { throw tooLong() }
    buffer.replace(at: lengthOffset, with: Int32(truncatingIfNeeded: length))
    lengthOffset = -1
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// What PostgreSQL can put together, too: a row of several values can be longer than any of them.
  private static let lengthMax = 0x3FFF_FFFF

  @inline(never) private func tooLong() -> ErrorReport {
    let length = buffer.count - lengthOffset
    abandon()
    return ErrorReport(.error, .programLimitExceeded, "a message of \(length) bytes is too long for the protocol")
  }

  /// Gives up the message that is being put together, if there is one.
  func abandon() {
    guard lengthOffset >= 0 else { return }
    buffer.truncate(to: lengthOffset - 1)
    lengthOffset = -1
  }

  /// Sends what is complete.
  func flush() throws(ErrorReport) {
    precondition(lengthOffset < 0, "a buffer is sent with a message that is not complete")
    guard buffer.count > 0 else { return }
    sentBytes += UInt64(buffer.count)
    defer { buffer.truncate(to: 0) }
    try transport?.send(buffer.bytes)
  }

  /// Forgets what has not been sent: the client will not get it.
  func discard() {
    lengthOffset = -1
    buffer.truncate(to: 0)
  }

  // MARK: Fields

  @inline(__always) func int8(_ value: UInt8) { buffer.append(value) }
  @inline(__always) func int16(_ value: Int16) { buffer.append(value) }
  @inline(__always) func int32(_ value: Int32) { buffer.append(value) }
  @inline(__always) func int64(_ value: Int64) { buffer.append(value) }
  @inline(__always) func bytes(_ bytes: UnsafeRawBufferPointer) { buffer.append(bytes) }
  func text(_ text: String) { buffer.append(text) }
  func string(_ text: String) { buffer.appendZeroTerminated(text) }

  /// A place for a length that is not known yet.
  @inline(__always) func beginLength() -> Int {
    buffer.append(Int32(0))
    return buffer.count
  }

  @inline(__always) func endLength(_ start: Int) {
    buffer.replace(at: start - 4, with: Int32(truncatingIfNeeded: buffer.count - start))
  }
}
