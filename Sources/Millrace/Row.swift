import MillraceSQL
import MillraceTypes

/// One row of a result: a value that may be kept and handed to other tasks.
///
/// ```swift
/// let name = try row["name", as: String.self]
/// let (id, score) = try row.decode(Int.self, Double?.self)
/// let person = try row.decode(Person.self)   // Person: Decodable, its properties named as the columns
/// ```
public struct Row: Sendable {
  let chunk: RowChunk
  let index: Int

  public var columnNames: [String] { chunk.columns.map(\.name) }
  public var count: Int { chunk.columns.count }

  /// Whether a column is NULL.
  public func isNull(_ column: Int) -> Bool {
    precondition(column >= 0 && column < count, "column \(column) of a row of \(count)")
    return chunk.isNull(index, column)
  }

  /// A column's value as PostgreSQL writes it; nil for NULL.
  public func text(_ column: Int) -> String? {
    precondition(column >= 0 && column < count, "column \(column) of a row of \(count)")
    return chunk.text(index, column)
  }

  /// A column by its place, from 0.
  /// - Throws: ``RowError``: it has no such value.
  public subscript<Value: SQLDecodable>(_ column: Int, as type: Value.Type = Value.self) -> Value {
    get throws { try Value(sqlColumn: SQLColumn(chunk, index, column)) }
  }

  /// A column by its name; the first of several.
  /// - Throws: ``RowError``: there is no such column, or it has no such value.
  public subscript<Value: SQLDecodable>(_ name: String, as type: Value.Type = Value.self) -> Value {
    get throws { try Value(sqlColumn: SQLColumn(chunk, index, try column(name))) }
  }

  /// The first columns, as many as there are types.
  /// - Throws: ``RowError``: there are fewer, or one has no such value.
  public func decode<First: SQLDecodable, Second: SQLDecodable, each Value: SQLDecodable>(
    _ first: First.Type, _ second: Second.Type, _ types: repeat (each Value).Type
  ) throws -> (First, Second, repeat each Value) {
    var column = 0
    func next<One: SQLDecodable>(_ type: One.Type) throws -> One {
      defer { column += 1 }
      return try self[column, as: type]
    }
    return (try next(first), try next(second), repeat try next(each types))
  }

  /// A value of a type of the program: of its properties each is the column of that name. A type that is a single value
  /// is the first column.
  /// - Throws: ``RowError`` or `DecodingError`.
  public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    if let single = type as? any SQLDecodable.Type,
      let value = try single.init(sqlColumn: SQLColumn(chunk, index, 0)) as? Value
    {
      return value
    }
    return try Value(from: RowDecoder(row: self))
  }

  func column(_ name: String) throws(RowError) -> Int {
    guard let column = chunk.columns.firstIndex(where: { $0.name == name }) else {
      throw RowError("there is no column \"\(name)\": the columns are \(columnNames.joined(separator: ", "))")
    }
    return column
  }
}

/// A column of a row is asked for what it is not.
public struct RowError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }
}

/// A value of a row, for types of a program that read it themselves.
public struct SQLColumn: Sendable {
  let chunk: RowChunk
  let row: Int
  let column: Int

  init(_ chunk: RowChunk, _ row: Int, _ column: Int) throws(RowError) {
    guard column >= 0, column < chunk.columns.count else {
      throw RowError("there is no column \(column): the row has \(chunk.columns.count)")
    }
    (self.chunk, self.row, self.column) = (chunk, row, column)
  }

  public var name: String { chunk.columns[column].name }
  /// The type's name in PostgreSQL.
  public var typeName: String { chunk.columns[column].descriptor?.name ?? "\(chunk.columns[column].type.rawValue)" }
  public var isNull: Bool { chunk.isNull(row, column) }
  /// As PostgreSQL writes it; nil for NULL.
  public var text: String? { chunk.text(row, column) }

  func mismatch(_ wanted: Any.Type) -> RowError {
    let value = isNull ? "NULL" : "a value of type \(typeName)"
    return RowError("column \"\(name)\" is \(value), which cannot be read as \(wanted)")
  }

  /// The datum, where it is not NULL and of one of some types.
  func value<Result>(
    of types: Set<TypeID>, _ wanted: Any.Type, _ body: (TypeID, Datum) throws -> Result?
  ) throws -> Result {
    let type = chunk.columns[column].type
    guard !isNull, types.contains(type), let result = try chunk.withDatum(row, column, { try body(type, $0) }) else {
      throw mismatch(wanted)
    }
    return result
  }
}
