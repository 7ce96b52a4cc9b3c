import CPostgresCatalog
import MillraceTypes

/// The rows that a system table has in a new cluster, from the text that scripts/generate-catalog.py writes; it says
/// how that is to be read.
struct CatalogText {
  /// The columns' names.
  let columns: [Substring]
  private let defaults: [Substring]
  private let lines: [Substring]

  /// - Returns: nil for a table that has no rows.
  init?(_ table: String) {
    guard let text = Self.texts[table] else { return nil }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    columns = Self.fields(lines[0])
    defaults = Self.fields(lines[1])
    self.lines = Array(lines[2...].dropLast())
    precondition(columns.count == defaults.count, "the columns of \(table) and their defaults do not match")
  }

  private static func fields(_ line: Substring) -> [Substring] {
    line.split(separator: "|", omittingEmptySubsequences: false)
  }

  /// By the table's name.
  private static let texts: [String: String] = {
    var texts: [String: String] = [:]
    for index in 0..<Int(postgres_catalog_table_count) {
      let table = millrace_catalog_table(Int32(index))
      let bytes = UnsafeRawBufferPointer(start: table.text, count: Int(table.length))
      texts[String(cString: table.name)] = String(decoding: bytes, as: UTF8.self)
    }
    return texts
  }()

  /// All rows, each with as many fields as there are columns, still in COPY's escapes.
  func rows() -> [[Substring]] {
    var previous = defaults
    return lines.map { line in
      var row = defaults
      for (place, field) in Self.fields(line).enumerated() where !field.isEmpty {
        row[place] = field == "\"" ? previous[place] : field == "=" && place > 1 ? row[1] : field
      }
      previous = row
      return row
    }
  }

  // MARK: Values

  /// A field as a value of its column.
  static func value(_ field: Substring, _ column: ColumnDescriptor) -> CatalogValue {
    if field == "\\N" { return .null }
    let text: String = unescaped(field)
    switch column.typeID {
    case .bool: return .bool(text == "t")
    case .char: return .byte(text.utf8.first ?? 0)
    case .name, .text, .pgNodeTree: return .text(text)
    case .float4: return .real(Float(text) ?? 0)
    case .int2Vector, .oidVector:
      let type: TypeID = column.typeID == .oidVector ? .oid : .int2
      let elements = text.split(separator: " ").map { CatalogValue.integer(Int64($0) ?? 0) }
      return .array(CatalogArray(type, elements, lowerBound: 0))
    default:
      guard let type = CatalogArray.elementType(of: column.typeID) else { return .integer(Int64(text) ?? 0) }
      return .array(CatalogArray(type, arrayElements(String(text)).map { element($0, type) }))
    }
  }

  private static func element(_ text: String, _ type: TypeID) -> CatalogValue {
    switch type {
    case .text: .text(text)
    case .char: .byte(text.utf8.first ?? 0)
    case .float4: .real(Float(text) ?? 0)
    case .aclItem: AccessItem(text) { roles[$0] }.map { .access($0) } ?? .null
    default: .integer(Int64(text) ?? 0)
    }
  }

  /// The roles of a new cluster.
  private static let roles: [Substring: UInt32] = {
    let rows = CatalogText("pg_authid")?.rows() ?? []
    return Dictionary(uniqueKeysWithValues: rows.map { ($0[1], UInt32($0[0]) ?? 0) })
  }()

  /// The escapes of COPY's text format that occur, and those of the generated files.
  private static func unescaped(_ field: Substring) -> String {
    if field == "\\E" { return "" }
    guard field.utf8.contains(UInt8(ascii: "\\")) else { return String(field) }
    var text: [UInt8] = []
    var isEscaped = false
    for byte in field.utf8 {
      if isEscaped {
        switch byte {
        case UInt8(ascii: "p"): text.append(UInt8(ascii: "|"))
        case UInt8(ascii: "n"): text.append(UInt8(ascii: "\n"))
        case UInt8(ascii: "t"): text.append(UInt8(ascii: "\t"))
        default: text.append(byte)
        }
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else {
        text.append(byte)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The elements of an array's text, of which some may be quoted.
  private static func arrayElements(_ text: String) -> [String] {
    var elements: [String] = []
    var element: [UInt8] = []
    var (isQuoted, isEscaped, wasQuoted) = (false, false, false)
    for byte in text.utf8.dropFirst() {
      if isEscaped {
        element.append(byte)
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isQuoted.toggle()
        wasQuoted = true
      } else if !isQuoted, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") {
        if !element.isEmpty || wasQuoted || byte == UInt8(ascii: ",") || !elements.isEmpty {
          elements.append(String(decoding: element, as: UTF8.self))
        }
        (element, wasQuoted) = ([], false)
      } else {
        element.append(byte)
      }
    }
    return elements
  }
}
