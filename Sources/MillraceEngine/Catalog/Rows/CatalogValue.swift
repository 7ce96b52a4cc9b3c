public import MillraceTypes

/// A value in a system table, as a Swift value: what DDL reads and writes, a few rows at a time. Queries read the same
/// tables through datums.
public enum CatalogValue: Sendable, Hashable {
  case null
  /// `bool`, `"char"`, integers, OIDs, transaction numbers, timestamps.
  case integer(Int64)
  case real(Float)
  /// `name`, `text`, `pg_node_tree`.
  case text(String)
  case access(AccessItem)
  case array(CatalogArray)
  /// What has no form of its own here: a value's bytes without header.
  case bytes([UInt8])

  public static func bool(_ value: Bool) -> CatalogValue { .integer(value ? 1 : 0) }
  public static func oid(_ value: UInt32) -> CatalogValue { .integer(Int64(value)) }
  /// A `"char"`; nil for the empty one.
  public static func char(_ value: Unicode.Scalar?) -> CatalogValue { .integer(Int64(value?.value ?? 0)) }
  public static func byte(_ value: UInt8) -> CatalogValue { .integer(Int64(value)) }
  public static func int(_ value: some BinaryInteger) -> CatalogValue { .integer(Int64(value)) }
  public static func text(_ value: String?) -> CatalogValue { value.map { .text($0) } ?? .null }

  public static func oidVector(_ values: [UInt32]) -> CatalogValue {
    .array(CatalogArray(.oid, values.map { .oid($0) }, lowerBound: 0))
  }
  public static func int2Vector(_ values: [Int16]) -> CatalogValue {
    .array(CatalogArray(.int2, values.map { .int($0) }, lowerBound: 0))
  }
  public static func int2Array(_ values: [Int16]) -> CatalogValue {
    .array(CatalogArray(.int2, values.map { .int($0) }))
  }
  public static func oidArray(_ values: [UInt32]) -> CatalogValue {
    .array(CatalogArray(.oid, values.map { .oid($0) }))
  }
  /// An array of texts; null where there are none.
  public static func textArray(_ values: [String]) -> CatalogValue {
    values.isEmpty ? .null : .array(CatalogArray(.text, values.map { .text($0) }))
  }

  public var isNull: Bool { self == .null }
  /// Its number; 0 for what is none.
  public var integer: Int64 {
    if case .integer(let value) = self { value } else { 0 }
  }
  public var oid: UInt32 { UInt32(truncatingIfNeeded: integer) }
  public var bool: Bool { integer != 0 }
  public var byte: UInt8 { UInt8(truncatingIfNeeded: integer) }
  public var char: Character { Character(Unicode.Scalar(byte)) }
  public var real: Float {
    if case .real(let value) = self { value } else { 0 }
  }
  /// Its text; nil for what has none.
  public var string: String? {
    if case .text(let value) = self { value } else { nil }
  }
  /// Its elements; none for what is no array.
  public var elements: [CatalogValue] {
    if case .array(let array) = self { array.elements } else { [] }
  }
  public var int16s: [Int16] { elements.map { Int16(truncatingIfNeeded: $0.integer) } }
  public var oids: [UInt32] { elements.map(\.oid) }
  public var strings: [String] { elements.compactMap(\.string) }

  // MARK: Datums

  /// A value of a column.
  /// - Parameter datum: not toasted.
  init(_ datum: Datum, _ column: ColumnDescriptor) {
    switch column.typeID {
    case .name: self = .text(Self.name(datum.bytes))
    case .text, .pgNodeTree: self = .text(datum.bytes.string)
    case .float4: self = .real(datum.float4)
    default:
      if column.isByValue {
        self = .integer(datum.int64)
      } else if let array = CatalogArray(datum.bytes, column.typeID) {
        self = .array(array)
      } else {
        self = .bytes(datum.bytes.array)
      }
    }
  }

  private static func name(_ bytes: ByteView) -> String {
    bytes.upTo(bytes.firstIndex(of: 0) ?? bytes.count).string
  }

  /// As a datum of a column; nil for null.
  func datum(_ column: ColumnDescriptor, in arena: Arena) -> Datum? {
    switch self {
    case .null: return nil
    case .integer(let value): return Datum(value)
    case .real(let value): return Datum(value)
    case .text(let text): return column.typeID == .name ? Self.name(text, arena) : arena.copy(text)
    case .access(let item): return arena.copy(item.bytes)
    case .array(let array): return arena.copy(array.payload)
    case .bytes(let bytes): return arena.copy(bytes)
    }
  }

  /// `NAMEDATALEN`: 63 bytes and a zero at least.
  public static let nameLength = 64

  private static func name(_ text: String, _ arena: Arena) -> Datum {
    let bytes = [UInt8](text.utf8.prefix(nameLength - 1))
    return arena.copy(bytes + [UInt8](repeating: 0, count: nameLength - bytes.count))
  }
}

/// A privilege list's entry: PostgreSQL's `AclItem` (src/include/utils/acl.h).
public struct AccessItem: Sendable, Hashable {
  /// Who has the privileges: a role, or 0 for everybody.
  public var grantee: UInt32
  public var grantor: UInt32
  /// What they may do, and in the upper half what they may pass on.
  public var privileges: UInt64

  public init(grantee: UInt32, grantor: UInt32, privileges: UInt64) {
    (self.grantee, self.grantor, self.privileges) = (grantee, grantor, privileges)
  }

  /// The letters of `ACL_ALL_RIGHTS_STR`, from the lowest bit on.
  static let letters = Array("arwdDxtXUCTcsAm".utf8)

  /// - Parameters:
  ///   - text: `grantee=letters/grantor`.
  ///   - role: a role's OID by its name.
  init?(_ text: String, role: (Substring) -> UInt32?) {
    guard let equals = text.firstIndex(of: "="), let slash = text.lastIndex(of: "/"), equals < slash else { return nil }
    let name = text[..<equals]
    guard let grantee = name.isEmpty ? 0 : role(name), let grantor = role(text[text.index(after: slash)...])
    else { return nil }
    var privileges: UInt64 = 0
    var last: UInt64 = 0
    for letter in text[text.index(after: equals)..<slash].utf8 {
      if letter == UInt8(ascii: "*") {
        privileges |= last << 32
        continue
      }
      guard let bit = Self.letters.firstIndex(of: letter) else { return nil }
      last = 1 << UInt64(bit)
      privileges |= last
    }
    self.init(grantee: grantee, grantor: grantor, privileges: privileges)
  }

  /// From its bytes in a tuple.
  public init?(_ bytes: ByteView) {
    guard bytes.count == 16 else { return nil }
    self.init(grantee: bytes.load(at: 0), grantor: bytes.load(at: 4), privileges: bytes.load(at: 8))
  }

  /// `grantee=letters/grantor` (aclitemout).
  /// - Parameter role: a role's name by its OID; nil where there is none.
  public func text<Failure: Error>(role: (UInt32) throws(Failure) -> String?) throws(Failure) -> String {
    var letters = ""
    for (bit, letter) in Self.letters.enumerated() where privileges >> UInt64(bit) & 1 != 0 {
      letters.append(Character(UnicodeScalar(letter)))
      if privileges >> UInt64(bit + 32) & 1 != 0 { letters.append("*") }
    }
    var receiver = ""
    if grantee != 0 { receiver = try role(grantee) ?? "\(grantee)" }
    let giver = try role(grantor) ?? "\(grantor)"
    return "\(Self.quoted(receiver))=\(letters)/\(Self.quoted(giver))"
  }

  /// putid()
  private static func quoted(_ name: String) -> String {
    let isSafe = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" }
    return isSafe ? name : "\"\(name.replacing("\"", with: "\"\""))\""
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(native: grantee)
    bytes.append(native: grantor)
    bytes.append(native: privileges)
    return bytes
  }
}
