public import MillraceTypes
public import NIOCore

/// Where an executor puts what the client gets: descriptions, rows, notices, COPY's data.
///
/// Rows are encoded in place, in the buffer that goes to the socket:
///
///     sink.beginRow(columns: 2)
///     sink.value("1")
///     sink.null()
///     try sink.endRow()
///
/// Ending a row sends the buffer where it is full, and waits while the client is slow to read, so a result of any size
/// takes the memory of one buffer. These calls are direct, and allocate nothing.
public final class ResponseSink {
  let encoder: MessageEncoder
  private let connection: Connection
  private(set) var rows: UInt64 = 0

  init(_ encoder: MessageEncoder, _ connection: Connection) { (self.encoder, self.connection) = (encoder, connection) }

  /// Rows that have been ended.
  public var rowCount: UInt64 { rows }

  // MARK: Rows

  /// - Parameter formats: none for text, one for all columns, or one for each.
  public func rowDescription(_ columns: [ColumnDescription], _ formats: [ValueFormat]) throws(ErrorReport) {
    try encoder.rowDescription(columns, formats)
  }

  public func rowDescription(_ columns: [ColumnDescription]) throws(ErrorReport) {
    try encoder.rowDescription(columns, [])
  }

  @inline(__always) public func beginRow(columns: Int) {
    encoder.begin("D")
    encoder.int16(Int16(truncatingIfNeeded: columns))
  }

  public func null() { encoder.int32(-1) }

  public func value(_ text: String) {
    let start = encoder.beginLength()
    encoder.text(text)
    encoder.endLength(start)
  }

  public func value(_ bytes: UnsafeRawBufferPointer) {
    encoder.int32(Int32(truncatingIfNeeded: bytes.count))
    encoder.bytes(bytes)
  }

  /// A number as its type's binary format has it: in network byte order.
  public func value<Value: FixedWidthInteger>(binary value: Value) {
    encoder.int32(Int32(MemoryLayout<Value>.size))
    encoder.integer(value)
  }

  /// - Throws: FATAL: the client is gone, or the session is to end.
  @inline(__always) public func endRow() throws(ErrorReport) {
    rows += 1
    try encoder.end()
  }

  // MARK: Ends and notices

  public func commandComplete(_ tag: String) throws(ErrorReport) { try encoder.commandComplete(tag) }

  /// There was no statement in the string.
  public func emptyQuery() throws(ErrorReport) { try encoder.empty("I") }

  /// - Parameter report: of a severity below ERROR.
  public func notice(_ report: ErrorReport) throws(ErrorReport) {
    precondition(report.severity < .error, "an error is thrown, and not sent as a notice")
    encoder.abandon()
    try encoder.report(report)
  }

  /// Tells the client that a setting has changed that it follows.
  public func parameterStatus(_ name: String, _ value: String) throws(ErrorReport) {
    try encoder.parameterStatus(name, value)
  }

  /// A message to those who LISTEN.
  public func notification(processID: UInt32, channel: String, payload: String) throws(ErrorReport) {
    encoder.begin("A")
    encoder.int32(Int32(bitPattern: processID))
    encoder.string(channel)
    encoder.string(payload)
    try encoder.end()
  }

  /// Sends what has been encoded so far, without waiting for the buffer to fill.
  public func flush() throws(ErrorReport) { try encoder.flush() }

  /// Throws where the session is to end. To be called now and then by what runs long and returns no rows.
  public func checkForTermination() throws(ErrorReport) { try connection.checkForTermination() }

  // MARK: COPY

  /// Begins COPY TO STDOUT. Data follows by ``copyData(_:)``, and ``copyDone()``.
  public func beginCopyOut(_ format: ValueFormat, columns: Int) throws(ErrorReport) {
    try encoder.copyResponse("H", format, Array(repeating: format, count: columns))
  }

  /// A piece of COPY's data, usually one row.
  public func copyData(_ bytes: UnsafeRawBufferPointer) throws(ErrorReport) {
    encoder.begin("d")
    encoder.bytes(bytes)
    try encoder.end()
  }

  public func copyDone() throws(ErrorReport) { try encoder.empty("c") }

  /// Begins COPY FROM STDIN.
  /// - Returns: where the data comes from.
  public func beginCopyIn(_ format: ValueFormat, columns: Int) throws(ErrorReport) -> CopySource {
    try encoder.copyResponse("G", format, Array(repeating: format, count: columns))
    try encoder.flush()
    return CopySource(connection)
  }

  /// Begins to stream in both directions, for replication.
  func beginCopyBoth() throws(ErrorReport) -> Connection {
    try encoder.copyResponse("W", .text, [])
    try encoder.flush()
    return connection
  }
}

extension MessageEncoder {
  @inline(__always) func integer<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.bigEndian) { bytes($0) }
  }
}

/// The data of COPY FROM STDIN, piece by piece as the client sends it.
public final class CopySource {
  private let connection: Connection
  private var isDone = false

  init(_ connection: Connection) { self.connection = connection }

  /// The next piece; its bounds mean nothing. Waits for the client.
  /// - Returns: nil at the end.
  /// - Throws: the client gives up (57014), sends something else (08P01), or is gone.
  public func next() throws(ErrorReport) -> ByteBuffer? {
    while !isDone {
      let frame = try connection.requireFrame()
      switch frame.kind {
      case MessageKind.copyData: return frame.body
      case MessageKind.copyDone: isDone = true
      case MessageKind.copyFail:
        isDone = true
        var reader = MessageReader(frame.body)
        throw ErrorReport(.error, .queryCanceled, "COPY from stdin failed: \(try reader.string())")
      case MessageKind.flush, MessageKind.sync:
        // Clients that speak the extended protocol send these behind every Execute.
        continue
      default:
        isDone = true
        throw ErrorReport(
          .fatal, .protocolViolation,
          "unexpected message type 0x\(String(frame.kind, radix: 16, uppercase: true)) during COPY from stdin")
      }
    }
    return nil
  }
}
