import NIOCore

/// Reads the fields of one message (src/backend/libpq/pqformat.c). What is missing or too much is a protocol violation,
/// in PostgreSQL's words.
struct MessageReader {
  private var buffer: ByteBuffer

  init(_ buffer: ByteBuffer) { self.buffer = buffer }

  var isAtEnd: Bool { buffer.readableBytes == 0 }

  /// What is left.
  var rest: ByteBuffer { buffer }

  mutating func byte() throws(ErrorReport) -> UInt8 {
    guard let value = buffer.readInteger(as: UInt8.self) else { throw .protocolViolation("no data left in message") }
    return value
  }

  mutating func int16() throws(ErrorReport) -> Int16 { try integer() }

  mutating func int32() throws(ErrorReport) -> Int32 { try integer() }

  mutating func int64() throws(ErrorReport) -> Int64 { try integer() }

  mutating func oid() throws(ErrorReport) -> UInt32 { try integer() }

  private mutating func integer<Value: FixedWidthInteger>() throws(ErrorReport) -> Value {
    guard let value = buffer.readInteger(as: Value.self) else {
      throw .protocolViolation("insufficient data left in message")
    }
    return value
  }

  /// How many of something follow: not negative, and no more than can be there.
  mutating func count(bytesEach: Int) throws(ErrorReport) -> Int {
    let count = Int(UInt16(bitPattern: try int16()))
    guard count * bytesEach <= buffer.readableBytes else {
      throw .protocolViolation("insufficient data left in message")
    }
    return count
  }

  mutating func slice(_ length: Int) throws(ErrorReport) -> ByteBuffer {
    guard length >= 0, let slice = buffer.readSlice(length: length) else {
      throw .protocolViolation("insufficient data left in message")
    }
    return slice
  }

  /// A string that ends with a zero byte; valid UTF-8.
  mutating func string() throws(ErrorReport) -> String {
    let (length, text) = buffer.withUnsafeReadableBytes { bytes -> (Int?, String?) in
      guard let end = bytes.firstIndex(of: 0) else { return (nil, nil) }
      // Most names are empty.
      return (end, end == 0 ? "" : String(validating: bytes[..<end], as: UTF8.self))
    }
    guard let length else { throw .protocolViolation("invalid string in message") }
    guard let text else { throw Self.invalidEncoding(buffer.getBytes(at: buffer.readerIndex, length: length) ?? []) }
    buffer.moveReaderIndex(forwardBy: length + 1)
    return text
  }

  /// The same before the client's encoding counts: nil where no zero byte follows, and whatever is not UTF-8 replaced.
  mutating func takeString() -> String? {
    let view = buffer.readableBytesView
    guard let end = view.firstIndex(of: 0) else { return nil }
    defer { buffer.moveReaderIndex(to: buffer.readerIndex + end - view.startIndex + 1) }
    return String(decoding: view[..<end], as: UTF8.self)
  }

  /// Nothing may follow.
  func end() throws(ErrorReport) {
    guard isAtEnd else { throw .protocolViolation("invalid message format") }
  }

  /// Names the first bytes that are no character (`report_invalid_encoding`, src/backend/utils/mb/mbutils.c).
  static func invalidEncoding(_ bytes: [UInt8]) -> ErrorReport {
    var position = 0
    while position < bytes.count {
      let length = characterLength(bytes[position])
      let end = min(position + length, bytes.count)
      let isWhole = position + length <= bytes.count
      if !isWhole || String(validating: bytes[position..<end], as: UTF8.self) == nil {
        let shown = bytes[position..<min(end, position + 8)].map { byte in
          "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return ErrorReport(
          .error, .characterNotInRepertoire,
          "invalid byte sequence for encoding \"UTF8\": \(shown.joined(separator: " "))")
      }
      position = end
    }
    return ErrorReport(.error, .characterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"")
  }

  /// As the first byte says (`pg_utf_mblen`).
  private static func characterLength(_ first: UInt8) -> Int {
    switch first {
    case 0xC0...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF7: 4
    default: 1
    }
  }
}
