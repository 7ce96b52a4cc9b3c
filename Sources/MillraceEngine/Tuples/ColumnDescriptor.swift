public import MillraceTypes

/// A column of a table: a row of `pg_attribute`, and its default (src/include/catalog/pg_attribute.h).
///
/// How its values lie in a tuple it says itself, because it keeps doing so after its type is gone (`isDropped`).
public struct ColumnDescriptor: Sendable {
  public var name: String
  public var typeID: TypeID
  /// The type's own addition: a length, a precision and scale; -1 for none.
  public var typmod: Int32 = -1
  /// Bytes of a value; -1 for a varlena, -2 for a C string.
  public var length: Int16
  public var isByValue: Bool
  public var alignment: TypeDescriptor.Alignment
  public var storage: TypeDescriptor.Storage
  /// How values that are too long are compressed.
  public var compression = Compression.default
  public var isNotNull = false
  /// Whether the catalog has an expression for it: a default, or how it is generated.
  public var hasDefault = false
  /// That expression, as SQL.
  public var defaultExpression: String?
  public var identity = Identity.none
  public var generated = Generated.none
  public var isDropped = false
  /// What tuples have that were stored before the column was added: `attmissingval`.
  public var missing: MissingValue?
  public var collation: UInt32 = 0
  public var isLocal = true
  public var inheritanceCount: Int16 = 0

  /// `attcompression`.
  public enum Compression: UInt8, Sendable {
    /// As `default_toast_compression` says.
    case `default` = 0
    case pglz = 0x70
    case lz4 = 0x6C
  }

  /// `attidentity`.
  public enum Identity: UInt8, Sendable {
    case none = 0
    case always = 0x61
    case byDefault = 0x64
  }

  /// `attgenerated`.
  public enum Generated: UInt8, Sendable {
    case none = 0
    case stored = 0x73
    case virtual = 0x76
  }

  /// A column of a built-in type.
  public init(_ name: String, _ type: TypeDescriptor, typmod: Int32 = -1) {
    self.name = name
    self.typmod = typmod
    typeID = type.id
    (length, isByValue, alignment, storage) = (type.length, type.isByValue, type.alignment, type.storage)
  }

  /// A column of any type.
  public init(
    _ name: String, typeID: TypeID, length: Int16, isByValue: Bool, alignment: TypeDescriptor.Alignment,
    storage: TypeDescriptor.Storage
  ) {
    (self.name, self.typeID) = (name, typeID)
    (self.length, self.isByValue, self.alignment, self.storage) = (length, isByValue, alignment, storage)
  }

  /// Its type; nil where that is none of the built-in ones.
  public var type: TypeDescriptor? { TypeDescriptor.builtIn[typeID] }

  /// Whether its values of four bytes are extended by zeros when they become datums: OIDs, transaction numbers, and the
  /// bits of a float.
  var isUnsigned: Bool { Self.isUnsigned(typeID) }

  static func isUnsigned(_ type: TypeID) -> Bool {
    switch type {
    case .oid, .xid, .cid, .regProc, .float4: true
    default: (2202...2206).contains(type.rawValue) || unsignedTypes.contains(type.rawValue)
    }
  }

  /// `regconfig`, `regdictionary`, `regnamespace`, `regrole`, `regcollation`.
  private static let unsignedTypes: Set<UInt32> = [3734, 3769, 4089, 4096, 4191]
}

/// A value that belongs to a column instead of a tuple. Immutable.
public final class MissingValue: @unchecked Sendable {
  // Safe because the memory is written once, before anybody else can see it.
  private let memory: UnsafeMutableRawBufferPointer
  public let datum: Datum

  /// Copies a value. Must not be toasted.
  public init(copying datum: Datum, isByValue: Bool) {
    precondition(!datum.isToasted, "a column's own value is a whole one")
    guard !isByValue else {
      memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      self.datum = datum
      return
    }
    memory = .allocate(byteCount: max(datum.count, 1), alignment: 8)
    memory.copyBytes(from: datum.bytes.buffer)
    self.datum = Datum(ByteView(start: memory.baseAddress, count: datum.count))
  }

  deinit { memory.deallocate() }
}
