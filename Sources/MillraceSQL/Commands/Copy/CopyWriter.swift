import MillraceTypes

/// Writes rows as COPY TO has them (PostgreSQL's commands/copyto.c). One row at a time, in a buffer that is used again.
struct CopyWriter {
  private let options: CopyOptions
  private let types: [TypeDescriptor?]
  private let isQuoted: [Bool]
  private let settings: TypeSettings
  private(set) var line: [UInt8] = []
  private var value: [UInt8] = []

  init(_ options: CopyOptions, _ columns: [ResultColumn], _ settings: TypeSettings) throws(SQLError) {
    (self.options, self.settings) = (options, settings)
    types = columns.map { TypeDescriptor.builtIn[$0.type.id] }
    isQuoted = columns.map { column in options.forceQuote.map { $0.isEmpty || $0.contains(column.name) } ?? false }
  }

  static let signature: [UInt8] =
    Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00] + [UInt8](repeating: 0, count: 8)

  /// The names of the columns.
  mutating func header(_ columns: [ResultColumn]) {
    line.removeAll(keepingCapacity: true)
    for (index, column) in columns.enumerated() {
      if index > 0 { line.append(options.delimiter) }
      let name = Array(column.name.utf8)
      if options.format == .csv {
        appendCSV(name, isForced: false, isOnly: columns.count == 1)
      } else {
        appendText(name)
      }
    }
    line.append(10)
  }

  mutating func row(_ batch: RowBatch, _ row: Int) {
    line.removeAll(keepingCapacity: true)
    if options.format == .binary { line.append(bigEndian: Int16(types.count)) }
    for index in types.indices {
      if index > 0, options.format != .binary { line.append(options.delimiter) }
      let isNull = batch.columnNulls(index)[row]
      if options.format == .binary {
        appendBinary(isNull ? nil : batch.column(index)[row], types[index])
        continue
      }
      guard !isNull else {
        line.append(contentsOf: options.null)
        continue
      }
      value.removeAll(keepingCapacity: true)
      let datum = batch.column(index)[row]
      if let type = types[index] { type.output(datum, settings, &value) } else { value.append(datum.bytes) }
      if options.format == .csv {
        appendCSV(value, isForced: isQuoted[index], isOnly: types.count == 1)
      } else {
        appendText(value)
      }
    }
    if options.format != .binary { line.append(10) }
  }

  private mutating func appendBinary(_ datum: Datum?, _ type: TypeDescriptor?) {
    guard let datum else { return line.append(bigEndian: Int32(-1)) }
    value.removeAll(keepingCapacity: true)
    if let type { type.send(datum, &value) } else { value.append(datum.bytes) }
    line.append(bigEndian: Int32(value.count))
    line.append(contentsOf: value)
  }

  private mutating func appendText(_ bytes: [UInt8]) {
    let delimiter = options.delimiter
    guard bytes.contains(where: { $0 < 32 || $0 == 92 || $0 == delimiter }) else {
      return line.append(contentsOf: bytes)
    }
    for byte in bytes {
      switch byte {
      case 8: line.append("\\b")
      case 9: line.append("\\t")
      case 10: line.append("\\n")
      case 11: line.append("\\v")
      case 12: line.append("\\f")
      case 13: line.append("\\r")
      case 92: line.append("\\\\")
      case delimiter:
        line.append(92)
        line.append(byte)
      default: line.append(byte)
      }
    }
  }

  private mutating func appendCSV(_ bytes: [UInt8], isForced: Bool, isOnly: Bool) {
    // What would be read as NULL, or as the end, is quoted.
    var needsQuotes = isForced || bytes == options.null || (isOnly && bytes == [92, 46])
    if !needsQuotes {
      needsQuotes = bytes.contains { $0 == options.delimiter || $0 == options.quote || $0 == 10 || $0 == 13 }
    }
    guard needsQuotes else { return line.append(contentsOf: bytes) }
    line.append(options.quote)
    for byte in bytes {
      if byte == options.quote || byte == options.escape { line.append(options.escape) }
      line.append(byte)
    }
    line.append(options.quote)
  }
}
