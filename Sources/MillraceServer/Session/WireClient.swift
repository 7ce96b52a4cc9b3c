import MillraceSQL
import MillraceTypes
import NIOCore

/// Puts results of statements into the buffer that goes to the socket.
final class WireClient: SQLClient {
  private var sink: ResponseSink?
  /// Whether results are announced by their columns.
  private var describes = false
  private var formats: [ValueFormat] = []
  private var columns: [ColumnWriter] = []
  private var copySource: CopySource?
  private var copyBuffer = ByteBuffer()
  var typeSettings: () -> TypeSettings = { TypeSettings() }
  /// What the protocol has thrown; SQL knows it as an error of its own.
  private(set) var failure: ErrorReport?
  private var scratch: [UInt8] = []

  /// Begins a call, or ends one.
  func begin(_ sink: ResponseSink?, describes: Bool, formats: [ValueFormat]) {
    (self.sink, self.describes, self.formats) = (sink, describes, formats)
    copySource = nil
    if sink != nil { failure = nil }
  }

  /// Does something of the protocol.
  private func wire(_ body: (ResponseSink) throws(ErrorReport) -> Void) throws(SQLError) {
    guard let sink else { return }
    do throws(ErrorReport) {
      try body(sink)
    } catch {
      failure = error
      throw SQLError(connection: error.message)
    }
  }

  // MARK: Rows

  func beginRows(_ columns: [ResultColumn]) throws(SQLError) {
    prepare(columns.map(\.type))
    guard describes else { return }
    let described = columns.map { ColumnDescription($0) }
    try wire { sink throws(ErrorReport) in try sink.rowDescription(described) }
  }

  /// Chooses how each column is written.
  func prepare(_ types: [ValueType]) {
    let settings = typeSettings()
    columns = types.enumerated().map { index, type in
      let format = formats.count > 1 ? (index < formats.count ? formats[index] : .text) : formats.first ?? .text
      return ColumnWriter(type.id, format, settings)
    }
  }

  func rows(_ batch: RowBatch, _ range: Range<Int>) throws(SQLError) {
    guard let sink else { return }
    let encoder = sink.encoder
    do throws(ErrorReport) {
      for place in range {
        let row = Int(batch.selection[place])
        sink.beginRow(columns: columns.count)
        for index in columns.indices {
          if batch.columnNulls(index)[row] {
            encoder.int32(-1)
          } else {
            columns[index].write(batch.column(index)[row], encoder, &scratch)
          }
        }
        try sink.endRow()
      }
    } catch {
      failure = error
      throw SQLError(connection: error.message)
    }
  }

  // MARK: Ends and notices

  func complete(_ tag: String) throws(SQLError) {
    try wire { sink throws(ErrorReport) in try sink.commandComplete(tag) }
  }

  func completeEmpty() throws(SQLError) { try wire { sink throws(ErrorReport) in try sink.emptyQuery() } }

  func notice(_ severity: NoticeSeverity, _ message: SQLError) {
    let severity: ErrorReport.Severity =
      switch severity {
      case .debug: .debug
      case .log: .log
      case .notice: .notice
      case .warning: .warning
      case .info: .info
      }
    // A client that is gone is found out by the next row.
    try? sink?.notice(ErrorReport(message, severity))
  }

  func settingHasChanged(_ name: String, _ value: String) {
    try? sink?.parameterStatus(name, value)
  }

  // MARK: COPY

  func beginCopyOut(isBinary: Bool, columns: Int) throws(SQLError) {
    try wire { sink throws(ErrorReport) in try sink.beginCopyOut(isBinary ? .binary : .text, columns: columns) }
  }

  func copyData(_ bytes: UnsafeRawBufferPointer) throws(SQLError) {
    try wire { sink throws(ErrorReport) in try sink.copyData(bytes) }
  }

  func endCopyOut() throws(SQLError) { try wire { sink throws(ErrorReport) in try sink.copyDone() } }

  func beginCopyIn(isBinary: Bool, columns: Int) throws(SQLError) {
    try wire { sink throws(ErrorReport) in
      copySource = try sink.beginCopyIn(isBinary ? .binary : .text, columns: columns)
    }
  }

  func nextCopyData() throws(SQLError) -> ByteView? {
    var next: ByteBuffer?
    try wire { _ throws(ErrorReport) in next = try copySource?.next() }
    guard let next else { return nil }
    copyBuffer = next
    return copyBuffer.withUnsafeReadableBytes { ByteView($0) }
  }
}

extension SQLError {
  /// The connection has failed, or was given up by the client.
  init(connection message: String) { self.init(.internalError, message) }
}

/// Writes the values of one column in the format that the client wants.
struct ColumnWriter {
  private enum Kind {
    case int16Text, int32Text, int64Text, oidText, boolText, bytesText
    case int16Binary, int32Binary, int64Binary, boolBinary, bytesBinary
    case text(TypeDescriptor)
    case binary(TypeDescriptor)
  }

  private let kind: Kind
  private let settings: TypeSettings

  init(_ type: TypeID, _ format: ValueFormat, _ settings: TypeSettings) {
    self.settings = settings
    let isText = format == .text
    switch type {
    case .int2: kind = isText ? .int16Text : .int16Binary
    case .int4: kind = isText ? .int32Text : .int32Binary
    case .int8: kind = isText ? .int64Text : .int64Binary
    case .oid: kind = isText ? .oidText : .int32Binary
    case .bool: kind = isText ? .boolText : .boolBinary
    case .text, .varchar, .bpchar, .unknown, .json, .cstring: kind = isText ? .bytesText : .bytesBinary
    default:
      if let descriptor = TypeDescriptor.builtIn[type] {
        kind = isText ? .text(descriptor) : .binary(descriptor)
      } else {
        kind = .bytesText
      }
    }
  }

  @inline(__always)
  func write(_ value: Datum, _ encoder: MessageEncoder, _ scratch: inout [UInt8]) {
    switch kind {
    case .int16Text, .int32Text, .int64Text: encoder.decimalValue(value.int64)
    case .oidText: encoder.decimalValue(Int64(value.oid))
    case .boolText:
      encoder.int32(1)
      encoder.int8(value.bool ? 0x74 : 0x66)
    case .int16Binary:
      encoder.int32(2)
      encoder.int16(value.int16)
    case .int32Binary:
      encoder.int32(4)
      encoder.int32(value.int32)
    case .int64Binary:
      encoder.int32(8)
      encoder.int64(value.int64)
    case .boolBinary:
      encoder.int32(1)
      encoder.int8(value.bool ? 1 : 0)
    case .bytesText, .bytesBinary:
      encoder.int32(Int32(truncatingIfNeeded: value.count))
      encoder.bytes(value.bytes.buffer)
    case .text(let type):
      scratch.removeAll(keepingCapacity: true)
      type.output(value, settings, &scratch)
      writeScratch(encoder, scratch)
    case .binary(let type):
      scratch.removeAll(keepingCapacity: true)
      type.send(value, &scratch)
      writeScratch(encoder, scratch)
    }
  }

  private func writeScratch(_ encoder: MessageEncoder, _ scratch: [UInt8]) {
    encoder.int32(Int32(truncatingIfNeeded: scratch.count))
    scratch.withUnsafeBytes { encoder.bytes($0) }
  }
}

extension MessageEncoder {
  /// A number in decimal, with its length before it.
  func decimalValue(_ number: Int64) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var (magnitude, start) = (number.magnitude, 20)
      repeat {
        let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
        start -= 1
        digits[start] = 0x30 + UInt8(truncatingIfNeeded: digit)
        magnitude = quotient
      } while magnitude > 0
      if number < 0 {
        start -= 1
        digits[start] = 0x2D
      }
      int32(Int32(20 - start))
      bytes(UnsafeRawBufferPointer(UnsafeMutableBufferPointer(rebasing: digits[start...])))
    }
  }
}
