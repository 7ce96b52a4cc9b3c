import MillraceTypes

/// What WITH says of a COPY (PostgreSQL's commands/copy.c, ProcessCopyOptions).
struct CopyOptions {
  enum Format { case text, csv, binary }

  var format = Format.text
  var delimiter = UInt8(ascii: "\t")
  var null: [UInt8] = Array("\\N".utf8)
  var hasHeader = false
  /// Whether the header's names must be the columns'.
  var matchesHeader = false
  var quote = UInt8(ascii: "\"")
  var escape = UInt8(ascii: "\"")
  /// nil for none; empty for all.
  var forceQuote: [String]?
  var forceNotNull: [String] = []
  var forceNull: [String] = []

  init(_ elements: [DefinitionElement], isFrom: Bool) throws(SQLError) {
    var texts: [String: String] = [:]
    for element in elements {
      guard texts[element.name] == nil else {
        throw SQLError(.syntaxError, "conflicting or redundant options", at: element.location)
      }
      texts[element.name] = RelationOptions.text(element.value) ?? ""
      try take(element)
    }
    if format == .csv {
      if texts["delimiter"] == nil { delimiter = UInt8(ascii: ",") }
      if texts["null"] == nil { null = [] }
      if texts["escape"] == nil { escape = quote }
    }
    try check(texts, isFrom: isFrom)
  }

  private mutating func take(_ element: DefinitionElement) throws(SQLError) {
    let text = RelationOptions.text(element.value)
    switch element.name {
    case "format":
      switch text {
      case "text": format = .text
      case "csv": format = .csv
      case "binary": format = .binary
      default:
        throw SQLError(
          .invalidParameterValue, "COPY format \"\(text ?? "")\" not recognized", at: element.location)
      }
    case "delimiter": delimiter = try Self.byte(text, "COPY delimiter must be a single one-byte character")
    case "null": null = Array((text ?? "").utf8)
    case "header":
      matchesHeader = text?.lowercased() == "match"
      let isOn = matchesHeader ? true : try Self.boolean(element, text)
      hasHeader = isOn
    case "quote": quote = try Self.byte(text, "COPY quote must be a single one-byte character")
    case "escape": escape = try Self.byte(text, "COPY escape must be a single one-byte character")
    case "force_quote": forceQuote = Self.names(element.value)
    case "force_not_null": forceNotNull = Self.names(element.value)
    case "force_null": forceNull = Self.names(element.value)
    case "freeze": _ = try Self.boolean(element, text)
    case "encoding":
      guard let word = text?.lowercased().filter({ $0 != "-" && $0 != "_" }), word == "utf8" || word == "unicode" else {
        throw .unsupported("COPY encoding \"\(text ?? "")\"", at: element.location)
      }
    case "default", "on_error", "log_verbosity", "reject_limit":
      throw .unsupported("COPY option \"\(element.name)\"", at: element.location)
    default:
      throw SQLError(.syntaxError, "option \"\(element.name)\" not recognized", at: element.location)
    }
  }

  private func check(_ texts: [String: String], isFrom: Bool) throws(SQLError) {
    if format == .binary {
      for name in ["delimiter", "null"] where texts[name] != nil {
        throw SQLError(.syntaxError, "cannot specify \(name.uppercased()) in BINARY mode")
      }
      if hasHeader { throw SQLError(.featureNotSupported, "cannot specify HEADER in BINARY mode") }
    }
    if format != .csv {
      for name in ["quote", "escape", "force_quote", "force_not_null", "force_null"] where texts[name] != nil {
        throw SQLError(
          .featureNotSupported,
          "COPY \(name.uppercased()) requires CSV mode")
      }
    }
    if delimiter == 10 || delimiter == 13 {
      throw SQLError(.invalidParameterValue, "COPY delimiter cannot be newline or carriage return")
    }
    if null.contains(10) || null.contains(13) {
      throw SQLError(.invalidParameterValue, "COPY null representation cannot use newline or carriage return")
    }
    if format == .csv, delimiter == quote {
      throw SQLError(.invalidParameterValue, "COPY delimiter and quote must be different")
    }
    if null.contains(delimiter), format != .binary {
      throw SQLError(.invalidParameterValue, "COPY delimiter character must not appear in the NULL specification")
    }
    if !isFrom, matchesHeader {
      throw SQLError(.invalidParameterValue, "cannot use \"match\" with HEADER in COPY TO")
    }
  }

  private static func byte(_ text: String?, _ message: String) throws(SQLError) -> UInt8 {
    guard let text, text.utf8.count == 1, let byte = text.utf8.first else {
      throw SQLError(.featureNotSupported, message)
    }
    return byte
  }

  private static func boolean(_ element: DefinitionElement, _ text: String?) throws(SQLError) -> Bool {
    guard let text else { return true }
    if let value = RelationOptions.boolean(text) { return value }
    throw SQLError(.syntaxError, "\(element.name) requires a Boolean value", at: element.location)
  }

  private static func names(_ value: DefinitionElement.Value?) -> [String] {
    guard case .list(let names) = value else { return [] }
    return names.compactMap { RelationOptions.text($0) }
  }
}
