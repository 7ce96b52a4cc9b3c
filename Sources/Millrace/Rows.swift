import MillraceSQL

/// The rows of a query, one after the other, as they are read.
///
/// Some hundred rows are on their way at a time, whatever the size of the result. A connection belongs to them until
/// they have been read to their end, or until nobody has them any more. To be read once.
public struct Rows: AsyncSequence, Sendable {
  public typealias Element = Row

  let cursor: Cursor

  /// The names of the columns.
  public var columnNames: [String] { cursor.columns.map(\.name) }

  public func makeAsyncIterator() -> Iterator { Iterator(cursor: cursor) }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let cursor: Cursor
    private var chunks: ArraySlice<RowChunk> = []
    private var index = 0

    fileprivate init(cursor: Cursor) { self.cursor = cursor }

    public mutating func next() async throws -> Row? {
      while true {
        if let chunk = chunks.first, index < chunk.count {
          defer { index += 1 }
          return Row(chunk: chunk, index: index)
        }
        index = 0
        chunks = chunks.dropFirst()
        guard chunks.isEmpty else { continue }
        try Task.checkCancellation()
        guard let following = try await cursor.next() else { return nil }
        chunks = following[...]
      }
    }
  }

  /// All rows.
  public func collect() async throws -> [Row] {
    var rows: [Row] = []
    for try await row in self { rows.append(row) }
    return rows
  }

  /// All rows as values of a type of the program: see ``Row/decode(_:)``.
  public func collect<Value: Decodable>(as type: Value.Type) async throws -> [Value] {
    var values: [Value] = []
    for try await row in self { values.append(try row.decode(type)) }
    return values
  }

  /// The first row; nil where there is none.
  public func first() async throws -> Row? {
    for try await row in self { return row }
    return nil
  }
}

/// A query that is running on a connection. When the last reference goes, it ends, and the connection is free again.
final class Cursor: Sendable {
  let columns: [RowChunk.Column]
  private let connection: Connection
  /// Given back to it at the end; nil where the rows are read within a transaction.
  private let pool: ConnectionPool?
  private let number: UInt64

  init(_ connection: Connection, _ pool: ConnectionPool?, number: UInt64, columns: [RowChunk.Column]) {
    (self.connection, self.pool, self.number, self.columns) = (connection, pool, number, columns)
  }

  deinit {
    let (connection, pool, number) = (connection, pool, number)
    Task {
      await connection.endQuery(number)
      await pool?.give(connection)
    }
  }

  /// - Returns: nil at the end.
  func next() async throws -> [RowChunk]? {
    try await withTaskCancellationHandler {
      try await connection.nextChunks(number, columns)
    } onCancel: {
      connection.cancel()
    }
  }
}
