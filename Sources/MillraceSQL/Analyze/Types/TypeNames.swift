public import MillraceEngine
public import MillraceTypes

/// Types as SQL and messages name them: `format_type()` (src/backend/utils/adt/format_type.c).
public enum TypeNames {
  /// `character varying(10)`, `timestamp with time zone`, `integer[]`.
  /// - Parameter types: for those that are not built in; `???` where it does not know one either.
  public static func format(_ type: ValueType, _ types: TypeCatalog? = nil) -> String {
    format(type, types, saysModifier: true)
  }

  /// The same of a type of which nothing is said of its modifier, as messages name it: `character`, not `bpchar`.
  public static func format(_ type: TypeID, _ types: TypeCatalog? = nil) -> String {
    format(ValueType(type), types, saysModifier: false)
  }

  private static func format(_ type: ValueType, _ types: TypeCatalog?, saysModifier: Bool) -> String {
    let descriptor = TypeDescriptor.builtIn[type.id]
    if let descriptor, descriptor.length == -1, descriptor.elementID != .none, descriptor.storage != .plain {
      return format(ValueType(descriptor.elementID, type.typmod), types, saysModifier: saysModifier) + "[]"
    }
    if let spelled = spelled(type, saysModifier) { return spelled }
    if let descriptor { return SessionCatalog.quoted(descriptor.name) }
    guard let entry = types?.byID[type.id] else { return type.id == .none ? "-" : other(type.id) }
    if entry.length == -1, entry.element != .none, entry.category == UInt8(ascii: "A") {
      return format(ValueType(entry.element, type.typmod), types, saysModifier: saysModifier) + "[]"
    }
    return SessionCatalog.quoted(entry.name)
  }

  /// Types that the grammar has words for.
  private static func spelled(_ type: ValueType, _ saysModifier: Bool) -> String? {
    switch type.id {
    case .bit: return type.typmod >= 0 ? "bit(\(type.typmod))" : saysModifier ? "\"bit\"" : "bit"
    case .varBit: return "bit varying" + (type.typmod >= 0 ? "(\(type.typmod))" : "")
    case .bool: return "boolean"
    // Without a length, `character` would mean one of 1.
    case .bpchar:
      return type.typmod > 4
        ? "character(\(type.typmod - 4))" : saysModifier && type.typmod == -1 ? "bpchar" : "character"
    case .varchar: return "character varying" + (type.typmod > 4 ? "(\(type.typmod - 4))" : "")
    case .char: return "\"char\""
    case .float4: return "real"
    case .float8: return "double precision"
    case .int2: return "smallint"
    case .int4: return "integer"
    case .int8: return "bigint"
    case .numeric: return "numeric" + modifier(type)
    case .interval: return "interval" + modifier(type)
    case .time: return "time\(precision(type)) without time zone"
    case .timeTZ: return "time\(precision(type)) with time zone"
    case .timestamp: return "timestamp\(precision(type)) without time zone"
    case .timestampTZ: return "timestamp\(precision(type)) with time zone"
    default: return nil
    }
  }

  private static func modifier(_ type: ValueType) -> String {
    type.typmod >= 0 ? TypeDescriptor.builtIn[type.id]?.typmodOutput?(type.typmod) ?? "" : ""
  }

  private static func precision(_ type: ValueType) -> String { type.typmod >= 0 ? "(\(type.typmod))" : "" }

  /// Pseudo-types, which messages name although no value has them.
  private static func other(_ type: TypeID) -> String {
    switch type {
    case .record: "record"
    case .any: "\"any\""
    case .anyArray: "anyarray"
    case .anyElement: "anyelement"
    case .anyNonArray: "anynonarray"
    case .anyEnum: "anyenum"
    case .void: "void"
    case .internal: "internal"
    case .recordArray: "record[]"
    case .json: "json"
    case .jsonb: "jsonb"
    default: "???"
    }
  }
}
