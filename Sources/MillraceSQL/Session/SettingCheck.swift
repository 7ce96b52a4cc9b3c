import MillraceSettings
import MillraceTypes

/// What a value of a setting must be besides one of its type (PostgreSQL's check hooks, commands/variable.c), and what
/// settings mean for other parts.
enum SettingCheck {
  /// A value as it is kept. - Throws: in PostgreSQL's words, where it is none.
  static func canonical(_ name: String, _ value: String) throws(SQLError) -> String {
    switch SettingsCatalog.definition(named: name)?.name {
    case "DateStyle":
      var settings = DateTimeSettings()
      guard settings.setDateStyle(value) else {
        throw invalid("DateStyle", value, detail: "Unrecognized key word: \"\(value)\".")
      }
      return settings.dateStyle
    case "TimeZone":
      guard let zone = timeZone(value) else { throw invalid("TimeZone", value) }
      return zone.name
    case "client_encoding":
      let word = value.lowercased().filter { $0.isLetter || $0.isNumber }
      // Who wants bytes as they are gets them: psql, on a terminal that says nothing of an encoding.
      if word == "sqlascii" { return "SQL_ASCII" }
      guard word == "utf8" || word == "unicode" else {
        if encodings.contains(word) {
          throw SQLError(
            .featureNotSupported, "conversion between \(value) and UTF8 is not supported",
            hint: "Clients speak UTF8 here.")
        }
        throw invalid("client_encoding", value)
      }
      return "UTF8"
    case "search_path":
      guard names(value) != nil else { throw invalid(name, value, detail: "List syntax is invalid.") }
      return value
    case "application_name": return printable(value)
    case "standard_conforming_strings": return value
    case "default_transaction_isolation":
      guard value.lowercased() != "serializable" else { throw .unsupported("isolation level SERIALIZABLE") }
      return value
    case "default_table_access_method":
      guard value == "heap" else {
        throw invalid(name, value, detail: "Table access method \"\(value)\" does not exist.")
      }
      return value
    case "default_tablespace", "temp_tablespaces":
      guard value.isEmpty || value == "pg_default" else {
        throw invalid(name, value, detail: "Tablespace \"\(value)\" does not exist.")
      }
      return value
    default: return value
    }
  }

  private static func invalid(_ name: String, _ value: String, detail: String? = nil) -> SQLError {
    SQLError(.invalidParameterValue, "invalid value for parameter \"\(name)\": \"\(value)\"", detail: detail)
  }

  /// Some encodings of PostgreSQL's, so that a client is told the right reason.
  private static let encodings: Set<String> = [
    "latin1", "latin2", "latin9", "iso88591", "iso885915", "win1252", "win1251", "win1250", "eucjp", "sjis", "big5",
    "gbk", "gb18030", "koi8r",
  ]

  /// A zone by its name, or by hours east of Greenwich.
  static func timeZone(_ text: String) -> TimeZone? {
    if let hours = Double(text), hours.magnitude < 168 { return TimeZone.fixed(secondsEast: Int(hours * 3600)) }
    return TimeZone.named(text)
  }

  /// The names of a list: in lower case unless they stand in double quotes. nil where it is none
  /// (SplitIdentifierString).
  static func names(_ list: String) -> [String]? {
    var names: [String] = []
    var rest = Substring(list).drop(while: \.isWhitespace)
    if rest.isEmpty { return [] }
    while true {
      var name = ""
      if rest.first == "\"" {
        rest = rest.dropFirst()
        while true {
          guard let character = rest.popFirst() else { return nil }
          if character != "\"" {
            name.append(character)
          } else if rest.first == "\"" {
            name.append("\"")
            rest = rest.dropFirst()
          } else {
            break
          }
        }
      } else {
        name = rest.prefix { $0 != "," && !$0.isWhitespace }.lowercased()
        rest = rest.drop { $0 != "," && !$0.isWhitespace }
        if name.isEmpty { return nil }
      }
      names.append(name)
      rest = rest.drop(while: \.isWhitespace)
      if rest.isEmpty { return names }
      guard rest.first == "," else { return nil }
      rest = rest.dropFirst().drop(while: \.isWhitespace)
    }
  }

  /// What is not printable ASCII as `\xe2` and the like (`pg_clean_ascii`).
  static func printable(_ text: String) -> String {
    let hexadecimal = Array("0123456789abcdef")
    return text.utf8.map { byte in
      (32...126).contains(byte)
        ? String(UnicodeScalar(byte))
        : "\\x\(hexadecimal[Int(byte >> 4)])\(hexadecimal[Int(byte & 15)])"
    }.joined()
  }

  /// How values are read and written, from the settings.
  static func typeSettings(_ settings: Settings) -> TypeSettings {
    var types = TypeSettings()
    types.extraFloatDigits = settings[.extraFloatDigits]
    types.byteaOutput = settings[.byteaOutput] == "escape" ? .escape : .hex
    _ = types.dateTime.setDateStyle(settings[.dateStyle])
    types.dateTime.timeZone = timeZone(settings[.timeZone]) ?? .utc
    types.dateTime.intervalStyle =
      switch settings[.intervalStyle] {
      case "postgres_verbose": .postgresVerbose
      case "sql_standard": .sqlStandard
      case "iso_8601": .iso8601
      default: .postgres
      }
    return types
  }
}
