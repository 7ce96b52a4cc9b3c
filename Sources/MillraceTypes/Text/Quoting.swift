/// Identifiers and literals as SQL writes them (PostgreSQL's quote.c and ruleutils.c).
public enum Quoting {
  /// `quote_ident`: in double quotes where it would be read as something else without.
  public static func identifier(_ name: ByteView, to result: inout [UInt8]) {
    let isPlain =
      name.first.map { ASCII.isLower($0) || $0 == UInt8(ascii: "_") } ?? false
      && name.allSatisfy { ASCII.isLower($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "_") }
      && !keywords.contains(name.string)
    if isPlain { return result.append(name) }
    result.append("\"")
    for byte in name.buffer {
      if byte == UInt8(ascii: "\"") { result.append(byte) }
      result.append(byte)
    }
    result.append("\"")
  }

  /// `quote_literal`: in single quotes, as E'…' where there are backslashes.
  public static func literal(_ text: ByteView, to result: inout [UInt8]) {
    if text.contains(UInt8(ascii: "\\")) { result.append("E") }
    result.append("'")
    for byte in text.buffer {
      if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\\") { result.append(byte) }
      result.append(byte)
    }
    result.append("'")
  }

  /// The words of the grammar that may not name everything (PostgreSQL 18's kwlist.h).
  private static let keywords: Set<String> = Set(words.split(separator: " ").map(String.init))

  private static let words = """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case \
    cast char character check coalesce collate collation column concurrently constraint create cross \
    current_catalog current_date current_role current_schema current_time current_timestamp current_user dec \
    decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign \
    freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect \
    interval into is isnull join json json_array json_arrayagg json_exists json_object json_objectagg json_query \
    json_scalar json_serialize json_table json_value lateral leading least left like limit localtime \
    localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric offset on \
    only or order out outer overlaps overlay placing position precision primary real references returning right \
    row select session_user setof similar smallint some substring symmetric system_user table tablesample then \
    time timestamp to trailing treat trim true union unique user using values varchar variadic verbose when where \
    window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot \
    xmlserialize xmltable
    """
}
