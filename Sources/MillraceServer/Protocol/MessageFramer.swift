import NIOCore

/// One message as it came: its letter and what follows the length.
struct Frame: Sendable {
  let kind: UInt8
  let body: ByteBuffer

  /// What it costs to keep, in bytes.
  var cost: Int { body.readableBytes + 16 }
}

/// Why a stream of bytes cannot be followed any further. The connection ends.
struct FramingError: Error, Hashable {
  let report: ErrorReport
}

/// Cuts a client's bytes into messages. On the event loop of the connection, or the session's thread; nothing is copied
/// that came in one piece.
struct MessageFramer {
  private let limits: MessageLimits
  /// Bytes that no message could be made of yet.
  private var pending = ByteBuffer()
  /// Whether memory is kept for the next bytes where there are none.
  var keepsMemory = false

  init(_ limits: MessageLimits) { self.limits = limits }

  /// Whether a message has begun and not ended.
  var isInsideMessage: Bool { pending.readableBytes > 0 }

  /// Bytes that are kept here.
  var pendingCount: Int { pending.readableBytes }

  mutating func append(_ bytes: ByteBuffer) {
    if pending.readableBytes == 0 {
      pending = bytes
    } else {
      var bytes = bytes
      pending.writeBuffer(&bytes)
    }
  }

  /// Has bytes read into its memory.
  /// - Parameter body: returns how many there are now; nothing or an error where it is not positive.
  /// - Returns: the same.
  mutating func read(upTo count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
    if pending.readableBytes == 0 { pending.clear(minimumCapacity: count) }
    var result = 0
    pending.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { memory in
      result = body(UnsafeMutableRawBufferPointer(rebasing: memory[..<count]))
      return max(result, 0)
    }
    return result
  }

  /// Keeps nothing but what is there.
  mutating func releaseMemory() {
    if pending.readableBytes == 0 { pending = ByteBuffer() }
  }

  /// The rest, for another who reads from here on.
  mutating func takePending() -> ByteBuffer {
    defer { pending = ByteBuffer() }
    return pending
  }

  /// The packet that a connection begins with, which has no letter: what follows its length.
  /// - Returns: nil as long as it is not there as a whole.
  mutating func nextStartupPacket() throws(FramingError) -> ByteBuffer? {
    guard let length = pending.getInteger(at: pending.readerIndex, as: UInt32.self) else { return nil }
    guard length >= 8, length <= limits.startup else {
      throw FramingError(report: ErrorReport(.fatal, .protocolViolation, "invalid length of startup packet"))
    }
    return try take(header: 4, body: Int(length) - 4)
  }

  /// The next message.
  /// - Parameter isAuthenticated: whether the client is known; before, only passwords are read.
  /// - Returns: nil as long as it is not there as a whole.
  mutating func next(isAuthenticated: Bool) throws(FramingError) -> Frame? {
    guard let kind = pending.getInteger(at: pending.readerIndex, as: UInt8.self) else { return nil }
    guard let most = limits.bodyLength(of: kind, isAuthenticated: isAuthenticated) else {
      let message =
        isAuthenticated
        ? "invalid frontend message type \(kind)" : "expected password response, got message type \(kind)"
      throw FramingError(report: ErrorReport(.fatal, .protocolViolation, message))
    }
    guard let length = pending.getInteger(at: pending.readerIndex + 1, as: UInt32.self) else { return nil }
    guard length >= 4, Int(length) - 4 <= most else {
      throw FramingError(report: ErrorReport(.fatal, .protocolViolation, "invalid message length"))
    }
    guard let body = try take(header: 5, body: Int(length) - 4) else { return nil }
    return Frame(kind: kind, body: body)
  }

  private mutating func take(header: Int, body: Int) throws(FramingError) -> ByteBuffer? {
    guard pending.readableBytes >= header + body else {
      // Make room once for what is known to come, but not for what a client merely claims.
      pending.reserveCapacity(minimumWritableBytes: min(header + body - pending.readableBytes, 1 << 20))
      return nil
    }
    pending.moveReaderIndex(forwardBy: header)
    let slice = pending.readSlice(length: body)
    if pending.readableBytes == 0, !keepsMemory { pending = ByteBuffer() }
    return slice
  }
}
