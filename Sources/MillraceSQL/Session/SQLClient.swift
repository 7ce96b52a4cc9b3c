public import MillraceTypes

/// A column of a result, as whoever gets it is told.
public struct ResultColumn: Hashable, Sendable {
  public var name: String
  public var type: ValueType
  /// The table and the column of it (`pg_attribute.attnum`) that it simply shows; 0 where it is computed.
  public var table: UInt32
  public var attribute: Int16

  public init(_ name: String, _ type: ValueType, table: UInt32 = 0, attribute: Int16 = 0) {
    (self.name, self.type, self.table, self.attribute) = (name, type, table, attribute)
  }

  init(_ target: TargetEntry) {
    self.init(target.name, target.expression.type, table: target.originTable, attribute: target.originColumn)
  }
}

/// How serious a message is that is no error.
public enum NoticeSeverity: String, Sendable, Comparable, CaseIterable {
  case debug = "DEBUG"
  case log = "LOG"
  case notice = "NOTICE"
  case warning = "WARNING"
  /// What was asked for, as by VACUUM (VERBOSE): always sent.
  case info = "INFO"

  public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

  private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Who gets what statements give: the floor above, as SQL sees it. Called by the session's thread.
///
/// What it throws ends the statement, and comes out of it again.
public protocol SQLClient: AnyObject {
  /// Rows follow.
  func beginRows(_ columns: [ResultColumn]) throws(SQLError)

  /// Some rows.
  /// - Parameters:
  ///   - batch: its first columns are those of the result. Valid during the call.
  ///   - range: which of the batch's selected rows.
  func rows(_ batch: RowBatch, _ range: Range<Int>) throws(SQLError)

  /// A statement has run to its end.
  /// - Parameter tag: as psql shows it: `INSERT 0 1`.
  func complete(_ tag: String) throws(SQLError)

  /// There was no statement in the string.
  func completeEmpty() throws(SQLError)

  func notice(_ severity: NoticeSeverity, _ message: SQLError)

  /// A setting that clients follow has another value.
  func settingHasChanged(_ name: String, _ value: String)

  // COPY

  func beginCopyOut(isBinary: Bool, columns: Int) throws(SQLError)
  func copyData(_ bytes: UnsafeRawBufferPointer) throws(SQLError)
  func endCopyOut() throws(SQLError)

  func beginCopyIn(isBinary: Bool, columns: Int) throws(SQLError)
  /// The next piece of what the client sends; its bounds mean nothing. Valid until the next call. nil at the end.
  func nextCopyData() throws(SQLError) -> ByteView?
}

extension SQLClient {
  /// Rows of texts, for what is put together and not queried.
  func textRows(_ columns: [String], _ rows: [[String?]]) throws(SQLError) {
    try beginRows(columns.map { ResultColumn($0, ValueType(.text)) })
    try sendTextRows(rows, columns: columns.count)
  }

  func sendTextRows(_ rows: [[String?]], columns: Int) throws(SQLError) {
    guard !rows.isEmpty else { return }
    let arena = Arena()
    let batch = RowBatch(columns: columns, capacity: min(rows.count, 64))
    var start = 0
    while start < rows.count {
      let count = min(batch.capacity, rows.count - start)
      for row in 0..<count {
        for column in 0..<columns {
          let text = rows[start + row][column]
          batch.columnNulls(column)[row] = text == nil
          batch.column(column)[row] = text.map { arena.copy($0) } ?? Datum(word: 0)
        }
      }
      batch.setDense(count)
      try self.rows(batch, 0..<count)
      arena.reset()
      start += count
    }
  }
}
