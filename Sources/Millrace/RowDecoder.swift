/// A row as `Decodable` types read it: a keyed container whose keys are the columns' names.
struct RowDecoder: Decoder {
  let row: Row
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(Columns<Key>(row: row))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    throw RowError("a row is read by its columns' names, and not as a list")
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    try Value(column: SQLColumn(row.chunk, row.index, 0))
  }

  private struct Columns<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let row: Row
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { row.columnNames.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { row.chunk.columns.contains { $0.name == key.stringValue } }

    func decodeNil(forKey key: Key) throws -> Bool { try column(key).isNull }

    func decode<Wanted: Decodable>(_ type: Wanted.Type, forKey key: Key) throws -> Wanted {
      try RowDecoder.value(type, try column(key))
    }

    func nestedContainer<Nested: CodingKey>(
      keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
      throw RowError("column \"\(key.stringValue)\" is one value, and has no parts")
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
      throw RowError("column \"\(key.stringValue)\" is one value, and has no parts")
    }

    func superDecoder() throws -> any Decoder { RowDecoder(row: row) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try One(column: column(key)) }

    private func column(_ key: Key) throws(RowError) -> SQLColumn {
      try SQLColumn(row.chunk, row.index, try row.column(key.stringValue))
    }
  }

  /// A single column as a decoder: what an enumeration with raw values, say, is read from.
  private struct One: Decoder {
    let column: SQLColumn
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
      throw RowError("column \"\(column.name)\" is one value, and has no parts")
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
      throw RowError("column \"\(column.name)\" is one value, and has no parts")
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { Value(column: column) }
  }

  private struct Value: SingleValueDecodingContainer {
    let column: SQLColumn
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { column.isNull }
    func decode<Wanted: Decodable>(_ type: Wanted.Type) throws -> Wanted { try RowDecoder.value(type, column) }
  }

  private static func value<Wanted: Decodable>(_ type: Wanted.Type, _ column: SQLColumn) throws -> Wanted {
    if let single = type as? any SQLDecodable.Type, let value = try single.init(sqlColumn: column) as? Wanted {
      return value
    }
    return try Wanted(from: One(column: column))
  }
}
