import MillraceEngine
import MillraceStorage
import MillraceTypes

/// Sizes on disk, and how sizes are written (dbsize.c).
extension FunctionRegistry {
  mutating func addSizeFunctions() {
    session("pg_relation_size", "pg_relation_size(regclass)") { (call) throws(SQLError) in
      var fork = ForkNumber.main
      if call.count > 1 {
        let name = call.text(1).string
        guard let found = ForkNumber.allCases.first(where: { $0.description == name }) else {
          throw SQLError(
            .invalidParameterValue, "invalid fork name",
            hint: "Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\".")
        }
        fork = found
      }
      return try call.size { (catalog, relation) throws(EngineError) in try catalog.size(of: relation, fork) }
    }
    session("pg_table_size") { (call) throws(SQLError) in
      try call.size { (catalog, relation) throws(EngineError) in try catalog.tableSize(of: relation) }
    }
    session("pg_indexes_size") { (call) throws(SQLError) in
      try call.size { (catalog, relation) throws(EngineError) in try catalog.indexesSize(of: relation) }
    }
    session("pg_total_relation_size") { (call) throws(SQLError) in
      try call.size { (catalog, relation) throws(EngineError) in
        try catalog.tableSize(of: relation) + catalog.indexesSize(of: relation)
      }
    }
    scalar("pg_size_pretty") { call in
      call.arena.copy(SizeText.pretty(Int128(call[0].int64)))
    }
    scalar("pg_size_pretty_numeric") { call in call.arena.copy(SizeText.pretty(call.numeric(0))) }
    scalar("pg_size_bytes") { (call) throws(TypeError) in Datum(try SizeText.bytes(call.text(0))) }
    session("pg_column_size", takesToasted: true) { (call) throws(SQLError) in
      guard let type = TypeDescriptor.builtIn[call.argumentTypes[0].id] else { return nil }
      guard type.isVariableLength else { return Datum(Int32(type.length == -2 ? call[0].count + 1 : Int(type.length))) }
      let datum = call[0]
      if datum.isToasted { return Datum(Int32(datum.count)) }
      // With the length word that it has in memory, or the short one that it has in a tuple.
      return Datum(Int32(datum.count + (datum.count < 127 ? 1 : 4)))
    }
  }
}

extension CallFrame {
  /// What a relation takes up; nil where there is none.
  fileprivate func size(
    _ body: (SessionCatalog, RelationDescriptor) throws(EngineError) -> Int64
  ) throws(SQLError) -> Datum? {
    try engine { () throws(EngineError) in
      guard let relation = try catalog.relation(self[0].oid) else { return nil }
      return Datum(try body(catalog, relation))
    }
  }
}

/// `pg_size_pretty` and `pg_size_bytes`.
enum SizeText {
  /// Units with the limit from which on the next one is used, and whether halves are rounded there already.
  private static let units: [(name: String, limit: Int128, rounds: Bool, bits: Int)] = [
    ("bytes", 10 * 1024, false, 0), ("kB", 20 * 1024 - 1, true, 10), ("MB", 20 * 1024 - 1, true, 20),
    ("GB", 20 * 1024 - 1, true, 30), ("TB", 20 * 1024 - 1, true, 40), ("PB", 20 * 1024 - 1, true, 50),
  ]

  static func pretty(_ size: Int128) -> String {
    var size = size
    for (index, unit) in units.enumerated() {
      if index == units.count - 1 || size.magnitude < UInt128(unit.limit) {
        if unit.rounds { size = halfRounded(size) }
        return "\(size) \(unit.name)"
      }
      // One bit is kept where the next unit rounds halves.
      let next = units[index + 1]
      let bits = next.bits - unit.bits - (next.rounds ? 1 : 0) + (unit.rounds ? 1 : 0)
      size /= Int128(1) << Int128(bits)
    }
    return "\(size) bytes"
  }

  private static func halfRounded(_ size: Int128) -> Int128 { (size + (size < 0 ? -1 : 1)) / 2 }

  static func pretty(_ size: Numeric) -> String {
    if size.isFinite, size.scale == 0, size.absolute < Numeric(Int64.max), let whole = size.integer(as: Int64.self) {
      return pretty(Int128(whole))
    }
    var size = size
    for (index, unit) in units.enumerated() {
      if index == units.count - 1 || size.absolute < Numeric(Int64(unit.limit)) {
        if unit.rounds {
          size = size + (size.sign < 0 ? -Numeric.one : Numeric.one)
          size = (try? Numeric.integerQuotient(size, Numeric(Int64(2)))) ?? size
        }
        return "\(size.text) \(unit.name)"
      }
      let next = units[index + 1]
      let bits = next.bits - unit.bits - (next.rounds ? 1 : 0) + (unit.rounds ? 1 : 0)
      size = (try? Numeric.integerQuotient(size, Numeric(Int64(1) << Int64(bits)))) ?? size
    }
    return "\(size.text) bytes"
  }

  /// A size with a unit: `1.5 GB`.
  static func bytes(_ text: ByteView) throws(TypeError) -> Int64 {
    let shown = text.string
    let bytes = Array(shown.utf8)
    var at = 0
    func isDigit(_ index: Int) -> Bool { index < bytes.count && (0x30...0x39).contains(bytes[index]) }
    func isSpace(_ index: Int) -> Bool {
      index < bytes.count && (bytes[index] == 0x20 || (9...13).contains(bytes[index]))
    }
    while isSpace(at) { at += 1 }
    let start = at
    if at < bytes.count, bytes[at] == 0x2D || bytes[at] == 0x2B { at += 1 }
    var hasDigits = false
    while isDigit(at) { (at, hasDigits) = (at + 1, true) }
    if at < bytes.count, bytes[at] == 0x2E {
      at += 1
      while isDigit(at) { (at, hasDigits) = (at + 1, true) }
    }
    guard hasDigits else { throw TypeError(.invalidParameterValue, "invalid size: \"\(shown)\"") }
    if at < bytes.count, bytes[at] | 0x20 == 0x65 {
      let sign = at + 1 < bytes.count && (bytes[at + 1] == 0x2D || bytes[at + 1] == 0x2B) ? 1 : 0
      if isDigit(at + 1 + sign) {
        at += 1 + sign
        while isDigit(at) { at += 1 }
      }
    }
    let number = try Array(bytes[start..<at]).withByteView { (view) throws(TypeError) in try Numeric(parsing: view) }
    var unit = String(decoding: bytes[at...], as: UTF8.self).trimmingSpaces()
    if unit.isEmpty { unit = "bytes" }
    let known = ["bytes": 0, "b": 0, "kb": 10, "mb": 20, "gb": 30, "tb": 40, "pb": 50]
    guard let bits = known[unit.lowercased()] else {
      throw TypeError(
        .invalidParameterValue, "invalid size: \"\(shown)\"", detail: "Invalid size unit: \"\(unit)\".",
        hint: "Valid units are \"bytes\", \"B\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".")
    }
    return try (number * Numeric(Int64(1) << Int64(bits))).converting(to: Int64.self)
  }
}

extension String {
  fileprivate func trimmingSpaces() -> String {
    String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
  }
}
