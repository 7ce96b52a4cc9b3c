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
  /// What ``columns`` were made for.
  private var columnTypes: [ValueType] = []
  private var columnFormats: [ValueFormat] = []
  private var columnSettings: UInt64?
  private var copySource: CopySource?
  private var copyBuffer = ByteBuffer()
  var typeSettings: () -> TypeSettings = { TypeSettings() }
  /// Counts their changes.
  var settingsVersion: () -> UInt64 = { 0 }
  /// The text of values that say names of the catalog; nil for those of other types.
  var namedText: (Datum, TypeID) -> [UInt8]? = { _, _ in nil }
  /// What the protocol has thrown; SQL knows it as an error of its own.
  private var failure: ErrorReport?
  private var scratch: [UInt8] = []

  /// Begins a call, or ends one.
  func begin(_ sink: ResponseSink?, describes: Bool, formats: [ValueFormat]) {
    (self.sink, self.describes, self.formats) = (sink, describes, formats)
    copySource = nil
    if sink != nil { failure = nil }
  }

  /// What the protocol has thrown, once.
  func takeFailure() -> ErrorReport? {
    defer { failure = nil }
    return failure
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
    let version = settingsVersion()
    if version == columnSettings, types == columnTypes, formats == columnFormats { return }
    (columnSettings, columnTypes, columnFormats) = (version, types, formats)
    let settings = typeSettings()
    columns = types.enumerated().map { index, type in
      ColumnWriter(type.id, formats.format(ofColumn: index), settings, namedText)
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
  init(connection message: String) {
    self.init(.internalError, message)
    isOfConnection = true
  }
}
