extension SQLWriter {
  mutating func type(_ type: TypeName) {
    write("SETOF ", if: type.isSetOf)
    if !standardType(type) {
      name(type.names)
      if !type.modifiers.isEmpty { list(type.modifiers) { $0.expression($1) } }
    }
    for bound in type.arrayBounds { write(bound < 0 ? "[]" : "[\(bound)]") }
  }

  /// The words that the grammar has for types of pg_catalog. Returns false where it has none.
  private mutating func standardType(_ type: TypeName) -> Bool {
    guard type.names.count == 2, type.names[0] == "pg_catalog" else { return false }
    let words: (before: String, after: String)
    let isPlain: Bool
    switch type.names[1] {
    case "int2", "int4", "int8", "float4", "float8", "bool":
      isPlain = type.modifiers.isEmpty
      let names = [
        "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision",
        "bool": "boolean",
      ]
      words = (names[type.names[1]] ?? "", "")
    case "numeric": (words, isPlain) = (("numeric", ""), true)
    case "varchar": (words, isPlain) = (("character varying", ""), type.hasNoOrOneDigits)
    case "bpchar": (words, isPlain) = (("character", ""), type.hasNoOrOneDigits && !type.modifiers.isEmpty)
    case "varbit": (words, isPlain) = (("bit varying", ""), true)
    case "bit": (words, isPlain) = (("bit", ""), !type.modifiers.isEmpty)
    case "time": (words, isPlain) = (("time", " without time zone"), type.hasNoOrOneDigits)
    case "timetz": (words, isPlain) = (("time", " with time zone"), type.hasNoOrOneDigits)
    case "timestamp": (words, isPlain) = (("timestamp", " without time zone"), type.hasNoOrOneDigits)
    case "timestamptz": (words, isPlain) = (("timestamp", " with time zone"), type.hasNoOrOneDigits)
    case "interval": (words, isPlain) = (("interval", ""), type.modifiers.isEmpty)
    default: return false
    }
    guard isPlain else { return false }
    write(words.before)
    if !type.modifiers.isEmpty { list(type.modifiers) { $0.expression($1) } }
    write(words.after)
    return true
  }

  /// `INTERVAL '1:30' HOUR TO MINUTE`, where the grammar wants that of an interval.
  mutating func intervalConstant(_ cast: TypeCast) {
    write("INTERVAL")
    let numbers = cast.type.modifiers.compactMap { modifier -> Int32? in
      guard case .constant(let constant) = modifier, case .integer(let number) = constant.value else { return nil }
      return number
    }
    // The mask of all fields says that none was written.
    if numbers.count == 2, numbers[0] == 0x7FFF { write("(\(numbers[1]))") }
    write(" ")
    expression(cast.argument)
    // PostgreSQL's bits for HOUR and MINUTE.
    switch numbers.first {
    case 1 << 10: write(" HOUR")
    case 1 << 10 | 1 << 11: write(" HOUR TO MINUTE")
    default: break
    }
  }
}

extension TypeName {
  /// Where the grammar takes only digits as a modifier.
  fileprivate var hasNoOrOneDigits: Bool {
    guard let first = modifiers.first else { return true }
    guard modifiers.count == 1, case .constant(let constant) = first, case .integer(let number) = constant.value
    else { return false }
    return number >= 0
  }
}
