extension TypeDescriptor {
  /// The built-in types by their OID.
  public static let builtIn: [TypeID: TypeDescriptor] = Dictionary(
    uniqueKeysWithValues: all.map { ($0.id, $0) })

  /// All built-in types, by rising OID.
  public static let all: [TypeDescriptor] = (scalars + vectors + arrays).sorted { $0.id.rawValue < $1.id.rawValue }

  public static let bool = required(.bool)
  public static let int2 = required(.int2)
  public static let int4 = required(.int4)
  public static let int8 = required(.int8)
  public static let float4 = required(.float4)
  public static let float8 = required(.float8)
  public static let numeric = required(.numeric)
  public static let oid = required(.oid)
  public static let text = required(.text)
  public static let varchar = required(.varchar)
  public static let bpchar = required(.bpchar)
  public static let name = required(.name)
  public static let bytea = required(.bytea)
  public static let date = required(.date)
  public static let time = required(.time)
  public static let timestamp = required(.timestamp)
  public static let timestampTZ = required(.timestampTZ)
  public static let interval = required(.interval)

  /// From the scalars, on which all others are built.
  private static func required(_ id: TypeID) -> TypeDescriptor {
    guard let descriptor = scalars.first(where: { $0.id == id }) else {
      preconditionFailure("the built-in type \(id.rawValue) has no row")
    }
    return descriptor
  }

  private static let scalars = (basicRows + numberRows + dateTimeRows + referenceRows).map {
    TypeDescriptor($0.row, $0.functions)
  }

  private static let arrays = (scalars + vectors).filter { $0.arrayID != .none }.map { type in
    TypeDescriptor(ArrayType.row(type), ArrayType.functions(type))
  }

  private static let vectors = [
    TypeDescriptor(
      TypeRow(.int2Vector, "int2vector", array: 1006, length: -1, byValue: false, .int, .plain, "A", element: .int2),
      VectorType.functions(int2, name: "int2vector")),
    TypeDescriptor(
      TypeRow(.oidVector, "oidvector", array: 1013, length: -1, byValue: false, .int, .plain, "A", element: .oid),
      VectorType.functions(oid, name: "oidvector")),
  ]

  private typealias Row = (row: TypeRow, functions: Functions)

  // What `pg_type` says of each type (PostgreSQL's pg_type.dat), and its functions.

  private static var basicRows: [Row] {
    [
      (
        TypeRow(.bool, "bool", array: 1000, length: 1, byValue: true, .char, .plain, "B", preferred: true),
        BoolType.functions
      ),
      (TypeRow(.bytea, "bytea", array: 1001, length: -1, byValue: false, .int, .extended, "U"), ByteaType.functions),
      (TypeRow(.char, "char", array: 1002, length: 1, byValue: true, .char, .plain, "Z"), CharType.functions),
      (
        TypeRow(.name, "name", array: 1003, length: 64, byValue: false, .char, .plain, "S", element: .char),
        NameType.functions
      ),
      (
        TypeRow(.text, "text", array: 1009, length: -1, byValue: false, .int, .extended, "S", preferred: true),
        TextType.functions
      ),
      (TypeRow(.bpchar, "bpchar", array: 1014, length: -1, byValue: false, .int, .extended, "S"), BpcharType.functions),
      (
        TypeRow(.varchar, "varchar", array: 1015, length: -1, byValue: false, .int, .extended, "S"),
        VarcharType.functions
      ),
      (TypeRow(.uuid, "uuid", array: 2951, length: 16, byValue: false, .char, .plain, "U"), UUIDType.functions),
      (
        TypeRow(.pgNodeTree, "pg_node_tree", array: 0, length: -1, byValue: false, .int, .extended, "Z"),
        TextType.unordered
      ),
      (TypeRow(.unknown, "unknown", array: 0, length: -2, byValue: false, .char, .plain, "X"), TextType.unordered),
      (TypeRow(.cstring, "cstring", array: 1263, length: -2, byValue: false, .char, .plain, "P"), TextType.unordered),
    ]
  }

  private static var numberRows: [Row] {
    [
      (TypeRow(.int8, "int8", array: 1016, length: 8, byValue: true, .double, .plain, "N"), Int8Type.functions),
      (TypeRow(.int2, "int2", array: 1005, length: 2, byValue: true, .short, .plain, "N"), Int2Type.functions),
      (TypeRow(.int4, "int4", array: 1007, length: 4, byValue: true, .int, .plain, "N"), Int4Type.functions),
      (TypeRow(.float4, "float4", array: 1021, length: 4, byValue: true, .int, .plain, "N"), Float4Type.functions),
      (
        TypeRow(.float8, "float8", array: 1022, length: 8, byValue: true, .double, .plain, "N", preferred: true),
        Float8Type.functions
      ),
      (
        TypeRow(.numeric, "numeric", array: 1231, length: -1, byValue: false, .int, .main, "N"),
        NumericType.functions
      ),
    ]
  }

  private static var dateTimeRows: [Row] {
    [
      (TypeRow(.date, "date", array: 1182, length: 4, byValue: true, .int, .plain, "D"), DateType.functions),
      (TypeRow(.time, "time", array: 1183, length: 8, byValue: true, .double, .plain, "D"), TimeType.functions),
      (
        TypeRow(.timestamp, "timestamp", array: 1115, length: 8, byValue: true, .double, .plain, "D"),
        TimestampType.functions(hasZone: false)
      ),
      (
        TypeRow(
          .timestampTZ, "timestamptz", array: 1185, length: 8, byValue: true, .double, .plain, "D", preferred: true),
        TimestampType.functions(hasZone: true)
      ),
      (
        TypeRow(.interval, "interval", array: 1187, length: 16, byValue: false, .double, .plain, "T", preferred: true),
        IntervalType.functions
      ),
      (TypeRow(.timeTZ, "timetz", array: 1270, length: 12, byValue: false, .double, .plain, "D"), TimeTZType.functions),
    ]
  }

  private static var referenceRows: [Row] {
    func registered(_ id: TypeID, _ name: StaticString, _ array: UInt32) -> Row {
      (
        TypeRow(id, String(describing: name), array: array, length: 4, byValue: true, .int, .plain, "N"),
        OIDType.registeredFunctions(name)
      )
    }
    return [
      (
        TypeRow(.oid, "oid", array: 1028, length: 4, byValue: true, .int, .plain, "N", preferred: true),
        OIDType.functions("oid")
      ),
      (TypeRow(.tid, "tid", array: 1010, length: 6, byValue: false, .short, .plain, "U"), TIDType.functions),
      (
        TypeRow(.xid, "xid", array: 1011, length: 4, byValue: true, .int, .plain, "U"),
        OIDType.functions("xid", isOrdered: false)
      ),
      (
        TypeRow(.cid, "cid", array: 1012, length: 4, byValue: true, .int, .plain, "U"),
        OIDType.functions("cid", isOrdered: false)
      ),
      (
        TypeRow(.xid8, "xid8", array: 271, length: 8, byValue: true, .double, .plain, "U"),
        FullTransactionIDType.functions
      ),
      (
        TypeRow(.pgLSN, "pg_lsn", array: 3221, length: 8, byValue: true, .double, .plain, "U"),
        LogPositionType.functions
      ),
      (
        TypeRow(.aclItem, "aclitem", array: 1034, length: 16, byValue: false, .double, .plain, "U"),
        AccessItemType.functions
      ),
      registered(.regProc, "regproc", 1008), registered(.regProcedure, "regprocedure", 2207),
      registered(.regOper, "regoper", 2208), registered(.regOperator, "regoperator", 2209),
      registered(.regClass, "regclass", 2210), registered(.regType, "regtype", 2211),
      registered(.regConfig, "regconfig", 3735), registered(.regDictionary, "regdictionary", 3770),
      registered(.regNamespace, "regnamespace", 4090), registered(.regRole, "regrole", 4097),
      registered(.regCollation, "regcollation", 4192),
    ]
  }
}
