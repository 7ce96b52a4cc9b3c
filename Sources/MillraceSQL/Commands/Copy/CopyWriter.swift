import MillraceEngine
import MillraceTypes

/// Writes rows as COPY TO has them (PostgreSQL's commands/copyto.c), one behind the other into one buffer.
///
/// Numbers and texts are written without a call through their type's description; a text that has nothing in it which
/// must be escaped, which eight bytes at a time are asked, is copied as it is.
final class CopyWriter {
  private let options: CopyOptions
  private let types: [TypeDescriptor?]
  /// For columns whose texts say names of the catalog.
  private let names: [NamedValues?]
  private let kinds: [OutputKind]
  private let isQuoted: [Bool]
  private let settings: TypeSettings
  private let delimiter: UInt8
  /// Whether nothing that a number is written with has another meaning.
  private let isUsual: Bool
  /// What has been written.
  let buffer = CopyBuffer()
  private var value: [UInt8] = []

  private enum OutputKind { case int2, int4, int8, text, other }

  init(_ options: CopyOptions, _ columns: [ResultColumn], _ settings: TypeSettings, _ catalog: SessionCatalog) {
    (self.options, self.settings, delimiter) = (options, settings, options.delimiter)
    types = columns.map { TypeDescriptor.builtIn[$0.type.id] }
    names = columns.map { NamedValues($0.type.id, catalog, settings) }
    kinds = types.map { Self.kind(of: $0) }
    isUsual = Self.leavesNumbersAlone(options)
    isQuoted = columns.map { column in options.forceQuote.map { $0.isEmpty || $0.contains(column.name) } ?? false }
  }

  private static func leavesNumbersAlone(_ options: CopyOptions) -> Bool {
    func isUsed(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "-") || (48...57).contains(byte) }
    guard !isUsed(options.delimiter) else { return false }
    guard options.format == .csv else { return true }
    return !isUsed(options.quote) && (options.null.isEmpty || !options.null.allSatisfy { isUsed($0) })
  }

  private static func kind(of type: TypeDescriptor?) -> OutputKind {
    switch type?.id {
    case .int2: .int2
    case .int4: .int4
    case .int8: .int8
    case .text, .varchar: .text
    default: .other
    }
  }

  static let signature: [UInt8] =
    Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00] + [UInt8](repeating: 0, count: 8)

  /// The names of the columns.
  func header(_ columns: [ResultColumn]) {
    for (index, column) in columns.enumerated() {
      if index > 0 { buffer.append(delimiter) }
      let name = Array(column.name.utf8)
      name.withByteView { name in
        if options.format == .csv {
          appendCSV(name, isForced: false, isOnly: columns.count == 1)
        } else {
          appendText(name)
        }
      }
    }
    buffer.append(10)
  }

  /// Adds a row.
  func add(_ batch: RowBatch, _ row: Int) {
    switch options.format {
    case .binary: addBinary(batch, row)
    case .csv: addTexts(batch, row, isCSV: true)
    case .text: addTexts(batch, row, isCSV: false)
    }
  }

  private func addTexts(_ batch: RowBatch, _ row: Int, isCSV: Bool) {
    precondition(kinds.count <= batch.columnCount, "a row of fewer columns than were announced")
    for index in 0..<kinds.count {
      if index > 0 { buffer.append(delimiter) }
      let column = batch.columns[index]
      guard !column.nulls[row] else {
        buffer.append(options.null)
        continue
      }
      let datum = column.values[row]
      let isPlain = !isCSV || !isQuoted[index]
      switch kinds[index] {
      case .int2 where isPlain: appendNumber(Int64(datum.int16), isCSV)
      case .int4 where isPlain: appendNumber(Int64(datum.int32), isCSV)
      case .int8 where isPlain: appendNumber(datum.int64, isCSV)
      case .text: appendField(datum.bytes, index, isCSV)
      default: appendOther(datum, index, isCSV)
      }
    }
    buffer.append(10)
  }

  /// By the function of the value's type. Apart, so that others count no references for it.
  @inline(never) private func appendOther(_ datum: Datum, _ index: Int, _ isCSV: Bool) {
    value.removeAll(keepingCapacity: true)
    appendText(datum, index)
    value.withByteView { appendField($0, index, isCSV) }
  }

  private func appendText(_ datum: Datum, _ index: Int) {
    if let names = names[index], (try? names.append(datum, to: &value)) != nil { return }
    if let type = types[index] { type.output(datum, settings, &value) } else { value.append(datum.bytes) }
  }

  /// Digits need no quotes, unless somebody has chosen them as something else.
  private func appendNumber(_ number: Int64, _ isCSV: Bool) {
    guard isUsual else { return appendUnusual(number, isCSV) }
    buffer.append(decimal: number)
  }

  @inline(never) private func appendUnusual(_ number: Int64, _ isCSV: Bool) {
    value.removeAll(keepingCapacity: true)
    value.append(decimal: number)
    value.withByteView { appendField($0, 0, isCSV) }
  }

  private func appendField(_ bytes: ByteView, _ index: Int, _ isCSV: Bool) {
    if isCSV {
      appendCSV(bytes, isForced: isQuoted[index], isOnly: kinds.count == 1)
    } else {
      appendText(bytes)
    }
  }

  private func addBinary(_ batch: RowBatch, _ row: Int) {
    buffer.append(bigEndian: Int16(kinds.count))
    for index in 0..<kinds.count {
      guard !batch.columnNulls(index)[row] else {
        buffer.append(bigEndian: Int32(-1))
        continue
      }
      let datum = batch.column(index)[row]
      switch kinds[index] {
      case .int4:
        buffer.append(bigEndian: Int32(4))
        buffer.append(bigEndian: datum.int32)
      case .int8:
        buffer.append(bigEndian: Int32(8))
        buffer.append(bigEndian: datum.int64)
      case .text:
        buffer.append(bigEndian: Int32(datum.count))
        buffer.append(datum.bytes)
      default: sendOther(datum, index)
      }
    }
  }

  @inline(never) private func sendOther(_ datum: Datum, _ index: Int) {
    value.removeAll(keepingCapacity: true)
    if let type = types[index] { type.send(datum, &value) } else { value.append(datum.bytes) }
    buffer.append(bigEndian: Int32(value.count))
    buffer.append(value)
  }

  private func appendText(_ bytes: ByteView) {
    guard bytes.contains(below: 32, or: 92, or: delimiter) else { return buffer.append(bytes) }
    for byte in bytes {
      let letter: UInt8
      switch byte {
      case 8: letter = UInt8(ascii: "b")
      case 9: letter = UInt8(ascii: "t")
      case 10: letter = UInt8(ascii: "n")
      case 11: letter = UInt8(ascii: "v")
      case 12: letter = UInt8(ascii: "f")
      case 13: letter = UInt8(ascii: "r")
      case 92, delimiter: letter = byte
      default:
        buffer.append(byte)
        continue
      }
      buffer.append(92)
      buffer.append(letter)
    }
  }

  private func appendCSV(_ bytes: ByteView, isForced: Bool, isOnly: Bool) {
    // What would be read as NULL, or as the end, is quoted.
    let isNull = bytes.count == options.null.count && options.null.withByteView { $0.isEqual(bytes) }
    var needsQuotes = isForced || isNull || (isOnly && bytes.count == 2 && bytes[0] == 92 && bytes[1] == 46)
    if !needsQuotes {
      needsQuotes =
        bytes.contains(below: 0, or: delimiter, or: options.quote) || bytes.contains(below: 0, or: 10, or: 13)
    }
    guard needsQuotes else { return buffer.append(bytes) }
    buffer.append(options.quote)
    for byte in bytes {
      if byte == options.quote || byte == options.escape { buffer.append(options.escape) }
      buffer.append(byte)
    }
    buffer.append(options.quote)
  }
}
