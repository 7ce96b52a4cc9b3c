/// Expressions over a table of edge values, and by themselves.
enum ExpressionCorpus {
  /// A column of each type, and rows with zeros, ones, negative and extreme values, infinities, NaN and NULL.
  static let schema = [
    """
    CREATE TABLE et (k int, i2 smallint, i4 int, i8 bigint, f4 real, f8 float8, n numeric, t text, v varchar(10),
    c char(6), b bytea, bo bool, d date, tm time, ts timestamp, tz timestamptz, iv interval, u uuid, nm name, o oid)
    """,
    """
    INSERT INTO et VALUES (1, 0, 0, 0, 0, 0, 0, '', '', '', '', false, '2000-01-01', '00:00', '2000-01-01',
    '2000-01-01', '0', '00000000-0000-0000-0000-000000000000', '', 0)
    """,
    """
    INSERT INTO et VALUES (2, 1, 1, 1, 1.5, 1.5, 1.5, 'abc', 'abc', 'abc', '\\x616263', true, '2024-02-29',
    '12:34:56.789', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789', '1 year 2 mons 3 days 04:05:06',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'abc', 1)
    """,
    """
    INSERT INTO et VALUES (3, -1, -1, -1, -2.25, -2.25, -2.250, 'Größe 日本', 'ABC ', 'ab c', '\\x00ff', NULL,
    '1999-12-31', '23:59:59.999999', '1999-12-31 23:59:59.999999', '1999-12-31 23:59:59.999999',
    '-1 days +02:03:00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'Größe', 4294967295)
    """,
    """
    INSERT INTO et VALUES (4, 32767, 2147483647, 9223372036854775807, 3e38, 1e300,
    12345678901234567890.123456789, 'The quick brown fox', 'fox', 'fox', '\\x54686520', true, 'infinity', '24:00',
    'infinity', 'infinity', '178000000 years', NULL, 'pg_class', 100)
    """,
    """
    INSERT INTO et VALUES (5, -32768, -2147483648, -9223372036854775808, -3e38, -1e300, -99999999999999999999,
    'aXbXc  ', 'aXbXc', 'aXbX', '\\x5c', false, '-infinity', '00:00:00.000001', '-infinity', '-infinity',
    '-178000000 years', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', 'xyz', 50)
    """,
    """
    INSERT INTO et VALUES (6, 7, 12, 100, 'NaN', 'NaN', 'NaN', 'x_y%z\\', 'null', '  x', NULL, true,
    '0044-03-15 BC', '04:05:06', '0044-03-15 12:00 BC', '0044-03-15 12:00 BC', '00:00:00.000001', NULL, 'NaN', 7)
    """,
    "INSERT INTO et (k) VALUES (7)",
    """
    INSERT INTO et VALUES (8, 100, 1000, 1000000, 1e-5, 123456.789, 0.00012345, 'select', '12', '-5',
    '\\xdeadbeef', false, '2038-01-19', '13:00', '2038-01-19 03:14:07', '2038-01-19 03:14:07', '1 mon', NULL,
    'select', 25)
    """,
  ]
  static let rowCount = 8
  /// What is refused here, and not there.
  static let departures = [
    "ARRAY[[i4,1],[2,3]]": "arrays of arrays come later", "array_ndims(ARRAY[[1],[2]])": "arrays of arrays come later",
    "array_dims(ARRAY[[1],[2]])": "arrays of arrays come later",
  ]
  private static let columns = [
    "k", "i2", "i4", "i8", "f4", "f8", "n", "t", "v", "c", "b", "bo", "d", "tm", "ts", "tz", "iv", "u", "nm", "o",
  ]

  static let all: [String] =
    operators + functions + dateTimeParts + patterns + conversions + logic + regularExpressions

  /// Every operator over every pair of number types.
  private static let operators: [String] = {
    let numbers = ["i2", "i4", "i8", "f4", "f8", "n"]
    var all: [String] = []
    for (names, types) in [
      (["+", "-", "*", "/", "=", "<", "<>", ">=", "<=", ">"], numbers), (["%"], ["i2", "i4", "i8", "n"]),
      (["&", "|", "#"], ["i4"]),
    ] {
      for name in names { for left in types { for right in types { all.append("\(left) \(name) \(right)") } } }
    }
    return all
  }()

  private static let functions: [String] = {
    let ofDouble = [
      "sqrt", "cbrt", "exp", "ln", "log", "ceil", "floor", "round", "trunc", "sign", "degrees", "radians", "sin", "cos",
      "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sind", "cosd", "tand", "cotd",
      "asind", "acosd", "atand", "cot", "erf", "erfc", "gamma", "lgamma",
    ]
    let ofNumeric = [
      "sqrt", "exp", "ln", "log", "ceil", "floor", "round", "trunc", "sign", "scale", "min_scale", "trim_scale",
    ]
    let ofText = [
      "length", "char_length", "octet_length", "bit_length", "upper", "lower", "initcap", "reverse", "ltrim", "rtrim",
      "btrim", "ascii", "md5", "quote_ident", "quote_literal", "quote_nullable",
    ]
    return ofDouble.map { "\($0)(f8)" } + ofNumeric.map { "\($0)(n)" }
      + ofText.flatMap { name in ["t", "v", "c"].map { "\(name)(\($0))" } }
  }()

  private static let dateTimeParts: [String] = {
    let parts = [
      "year", "month", "day", "hour", "minute", "second", "milliseconds", "microseconds", "dow", "isodow", "doy",
      "week",
      "isoyear", "quarter", "decade", "century", "millennium", "epoch", "julian", "timezone", "timezone_hour", "foo",
    ]
    let truncated = [
      "year", "month", "day", "hour", "minute", "second", "week", "quarter", "decade", "century", "millennium", "foo",
    ]
    return parts.flatMap { part in
      ["ts", "tz", "d", "tm", "iv"].map { "extract(\(part) from \($0))" } + ["date_part('\(part)', d)"]
    } + truncated.flatMap { part in ["ts", "tz", "iv"].map { "date_trunc('\(part)', \($0))" } }
  }()

  /// Every function of regular expressions with every pattern.
  private static let patterns: [String] = {
    let patterns = [
      "^a", "X", "[A-Z]", "^[a-z]+$", "(b|B).*", "a.c", "\\s", "\\mquick\\M", "^$", "o{2,}", "q(?=u)", "(?i)ABC",
      "(?<!q)u", "[[:space:]]+", "[^a-z]", "(\\w)\\w*?(\\w)", "x*", "(a|ab)(c|bcd)?",
    ]
    return patterns.flatMap { pattern in
      [
        "t ~ '\(pattern)'", "t ~* '\(pattern)'", "t !~ '\(pattern)'", "regexp_replace(t, '\(pattern)', '<\\&>')",
        "regexp_replace(t, '\(pattern)', '-', 'g')", "regexp_match(t, '\(pattern)')", "substring(t from '\(pattern)')",
        "regexp_split_to_array(t, '\(pattern)')", "regexp_count(t, '\(pattern)')", "regexp_instr(t, '\(pattern)')",
        "regexp_substr(t, '\(pattern)')", "regexp_like(t, '\(pattern)', 'i')",
      ]
    }
  }()

  /// Whether an expression is one over the table's rows.
  static func usesColumns(_ expression: String) -> Bool {
    // What is in quotes names no column.
    var isQuoted = false
    let plain = expression.filter { character in
      if character == "'" { isQuoted.toggle() }
      return !isQuoted
    }
    let words = plain.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
    return words.contains { columns.contains(String($0)) }
  }
}
