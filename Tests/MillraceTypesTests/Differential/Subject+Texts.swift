extension DifferentialTests.Subject {
  private static let words =
    [
      "", "a", "A", "abc", "abd", "ab", "abc ", "abc  ", " abc", "größe", "Größe", "ß", "日本語", "🙂", "z", "~",
      "The quick brown fox jumps over the lazy dog", "NULL", "null", "a\\b", "a'b", "a\"b", "a,b", "{}", "tab\there",
      "12 bytes lng", "13 bytes long", "11 bytes ln", "24 bytes long, exactly..",
    ] + (1..<40).map { String(repeating: "x", count: $0) } + [String(repeating: "ä", count: 40), "e\u{301}"]

  static let texts: [Self] = [
    Self(name: "text", send: "textsend", hash: "hashtext", texts: words),
    Self(name: "varchar", send: "varcharsend", hash: "hashtext", texts: words),
    Self(name: "bpchar", send: "bpcharsend", hash: "hashbpchar", texts: words),
    Self(name: "name", send: "namesend", hash: "hashname", texts: words + [String(repeating: "y", count: 70)]),
    Self(
      name: "char", send: "charsend", hash: "hashchar",
      texts: ["", "a", "Z", "ab", "\\123", "\\377", "\\200", "\\400", "\\12", "\\", "ä", " ", "~"]),
  ]

  static let others: [Self] = [
    Self(
      name: "bool", send: "boolsend", hash: "hashbool",
      texts: [
        "t", "f", "true", "false", "TRUE", "FaLsE", "tr", "fals", "y", "n", "yes", "no", "ye", "on", "off", "o", "of",
        "ON",
        "1", "0", "10", "", " ", " true ", "tru e", "truex", "2", "-1", "yess", "nope",
      ]),
    Self(
      name: "bytea", send: "byteasend",
      texts: [
        "", "abc", "\\x", "\\x00", "\\xDEADbeef", "\\xde ad", "\\xd", "\\xdg", "\\xdeä", "\\X00", "a\\000b", "\\\\",
        "\\001\\377", "\\400", "\\08", "\\1", "\\", "a\\", "ä", "\\x0g", "\\xfff", "\\x \n00",
      ]),
    Self(
      name: "uuid", send: "uuid_send", hash: "uuid_hash",
      texts: [
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
        "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
        "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}",
        "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "", "a", "a0ee-",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111",
        "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-", "a0e-ebc999c0b4ef8bb6d6bb9bd380a11",
        "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        " a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
      ]),
    Self(
      name: "tid", send: "tidsend", hash: "hashtid",
      texts: [
        "(0,0)", "(1,2)", "(4294967295,65535)", "(4294967296,1)", "(1,65536)", "(-1,0)", "( 1 , 2 )", "(1,2", "1,2",
        "(1)",
        "()", "(,)", "(a,b)", "(1,2)x", "", "(1,-1)", "(0x10,1)", " (3,4) ",
      ]),
    Self(
      name: "int2vector", send: "int2vectorsend", isOrdered: false,
      texts: ["", "1", "1 2 3", " 1  2 ", "-5 7", "32768", "a", "1 a", "1,2"]),
    Self(
      name: "oidvector", send: "oidvectorsend", hash: "hashoidvector",
      texts: ["", "1", "1 2 3", " 1  2 ", "4294967295", "4294967296", "a", "1 a", "2 1", "3"]),
  ]

  private static let arrayTexts = [
    "{}", "{1}", "{1,2,3}", "{ 1 , 2 }", "{NULL}", "{1,null,3}", "{\"NULL\"}", "{{1,2},{3,4}}", "{{1},{2,3}}",
    "{{1},2}",
    "[0:1]={5,6}", "[2]={1,2}", "[1:1][0:1]={{1,2}}", "[1:2]={1}", "[2:1]={}", "[1:0]={}", "{", "}", "{1", "{1,}",
    "{,1}",
    "{1,,2}", "{1}x", "{1} ", " {1}", "1,2", "", "{\"1\"}", "{\"1\" }", "{\"1\"2}", "{1\"2\"}", "{1 2}", "{a b}",
    "{\"a,b\"}",
    "{\"a\\\"b\"}", "{a\\,b}", "{{}}", "{{},{}}", "{{1},{}}", "{\"\"}", "[1]={1", "[a:b]={1}", "[1:2={1,2}",
    "{{{{{{{1}}}}}}}",
    "{1,{2}}", "{10,9}", "{2}", "{1,2,4}", "[-1:0]={1,2}", "{\\1}", "{nUlL}", "{ \"x\" , y }",
  ]

  static let arrays: [Self] = [
    Self(name: "_int4", send: "array_send", hash: "hash_array", texts: arrayTexts),
    Self(name: "_text", send: "array_send", hash: "hash_array", texts: arrayTexts),
    Self(name: "_int2", send: "array_send", hash: "hash_array", texts: arrayTexts),
    Self(name: "_oid", send: "array_send", hash: "hash_array", texts: arrayTexts),
    Self(name: "_char", send: "array_send", hash: "hash_array", texts: arrayTexts),
    Self(name: "_numeric", send: "array_send", hash: "hash_array", texts: arrayTexts),
    Self(name: "_name", send: "array_send", hash: "hash_array", texts: arrayTexts),
    Self(name: "_bool", send: "array_send", hash: "hash_array", texts: ["{t,f,NULL}", "{true}", "{x}", "{}"]),
    Self(
      name: "_timestamp", send: "array_send", hash: "hash_array",
      texts: ["{2024-01-01}", "{\"2024-01-01 12:00\",infinity,NULL}", "{x}"]),
    Self(name: "_interval", send: "array_send", hash: "hash_array", texts: ["{1 day,NULL,\"2 mons\"}", "{}"]),
    Self(
      name: "_uuid", send: "array_send", hash: "hash_array",
      texts: ["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}", "{}"]),
  ]
}
