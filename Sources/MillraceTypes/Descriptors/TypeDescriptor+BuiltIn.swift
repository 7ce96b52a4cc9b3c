extension TypeDescriptor {
  /// The built-in types by their OID.
  public static let builtIn: [TypeID: TypeDescriptor] = Dictionary(
    uniqueKeysWithValues: all.map { ($0.id, $0) })

  /// All built-in types, by rising OID.
  public static let all: [TypeDescriptor] = rows.map { TypeDescriptor($0.row, $0.functions) }
    .sorted { $0.id.rawValue < $1.id.rawValue }

  public static let bool = required(.bool)
  public static let int2 = required(.int2)
  public static let int4 = required(.int4)
  public static let int8 = required(.int8)
  public static let oid = required(.oid)
  public static let text = required(.text)
  public static let name = required(.name)

  private static func required(_ id: TypeID) -> TypeDescriptor {
    guard let descriptor = builtIn[id] else { preconditionFailure("the built-in type \(id.rawValue) has no row") }
    return descriptor
  }

  /// What `pg_type` says of each type, in the order of PostgreSQL's pg_type.dat, and its functions.
  private static var rows: [(row: TypeRow, functions: Functions)] {
    [
      (
        TypeRow(.bool, "bool", array: 1000, length: 1, byValue: true, .char, .plain, "B", preferred: true),
        BoolType.functions
      ),
      (
        TypeRow(.name, "name", array: 1003, length: 64, byValue: false, .char, .plain, "S", element: .char),
        NameType.functions
      ),
      (TypeRow(.int8, "int8", array: 1016, length: 8, byValue: true, .double, .plain, "N"), Int8Type.functions),
      (TypeRow(.int2, "int2", array: 1005, length: 2, byValue: true, .short, .plain, "N"), Int2Type.functions),
      (TypeRow(.int4, "int4", array: 1007, length: 4, byValue: true, .int, .plain, "N"), Int4Type.functions),
      (
        TypeRow(.text, "text", array: 1009, length: -1, byValue: false, .int, .extended, "S", preferred: true),
        TextType.functions
      ),
      (
        TypeRow(.oid, "oid", array: 1028, length: 4, byValue: true, .int, .plain, "N", preferred: true),
        OIDType.functions("oid")
      ),
    ]
  }
}
