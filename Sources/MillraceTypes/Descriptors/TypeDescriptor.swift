/// All that is known of a data type: its row in `pg_type` and its functions.
///
/// One immutable object a type, held by a reference. The functions know nothing of NULL; strict callers do not call
/// them. Those that make a value passed by reference put it into the arena, or give back what they were given.
public final class TypeDescriptor: Sendable {
  /// A value from its text. Throws what PostgreSQL's input function would say.
  public typealias Input = @Sendable (ByteView, _ typmod: Int32, TypeSettings, Arena) throws(TypeError) -> Datum
  /// Appends a value's text.
  public typealias Output = @Sendable (Datum, TypeSettings, inout [UInt8]) -> Void
  /// A value from its binary form.
  public typealias Receive = @Sendable (inout ByteReader, _ typmod: Int32, Arena) throws(TypeError) -> Datum
  /// Appends a value's binary form.
  public typealias Send = @Sendable (Datum, inout [UInt8]) -> Void
  /// Negative, zero or positive, as the type's B-tree operator class orders.
  public typealias Comparison = @Sendable (Datum, Datum) -> Int
  public typealias Equality = @Sendable (Datum, Datum) -> Bool
  /// The hash that PostgreSQL's hash operator class gives.
  public typealias Hash = @Sendable (Datum) -> UInt32
  /// The same for 64 bits and a seed, as hash partitioning wants it.
  public typealias ExtendedHash = @Sendable (Datum, _ seed: UInt64) -> UInt64
  /// A typmod from the words in parentheses after the type's name.
  public typealias TypmodInput = @Sendable ([String]) throws(TypeError) -> Int32
  /// What follows the type's name where it has that typmod: `(10,2)`.
  public typealias TypmodOutput = @Sendable (Int32) -> String

  /// Where a value begins in a tuple.
  public enum Alignment: UInt8, Sendable {
    case char = 0x63, short = 0x73, int = 0x69, double = 0x64

    /// In bytes.
    @inlinable public var bytes: Int {
      switch self {
      case .char: 1
      case .short: 2
      case .int: 4
      case .double: 8
      }
    }
  }

  /// What may be done to a value that is too long for a tuple.
  public enum Storage: UInt8, Sendable { case plain = 0x70, external = 0x65, main = 0x6D, extended = 0x78 }

  public let id: TypeID
  public let name: String
  /// The type of arrays of this type, if there is one.
  public let arrayID: TypeID
  /// The type of this type's elements, where it can be subscripted.
  public let elementID: TypeID
  /// In bytes; -1 for a varlena, -2 for a C string.
  public let length: Int16
  public let isByValue: Bool
  public let alignment: Alignment
  public let storage: Storage
  /// `pg_type.typcategory`, an ASCII letter.
  public let category: UInt8
  public let isPreferred: Bool
  /// What separates elements in an array's text.
  public let delimiter: UInt8

  public let input: Input
  public let output: Output
  public let receive: Receive
  public let send: Send
  /// nil where the type has no default B-tree operator class.
  public let compare: Comparison?
  public let equal: Equality?
  /// nil where the type has no default hash operator class.
  public let hash: Hash?
  public let hashExtended: ExtendedHash?
  public let typmodInput: TypmodInput?
  public let typmodOutput: TypmodOutput?

  /// The functions of a type, to be joined with its row.
  struct Functions: Sendable {
    var input: Input
    var output: Output
    var receive: Receive
    var send: Send
    var compare: Comparison?
    var equal: Equality?
    var hash: Hash?
    var hashExtended: ExtendedHash?
    var typmodInput: TypmodInput?
    var typmodOutput: TypmodOutput?
  }

  init(_ row: TypeRow, _ functions: Functions) {
    id = row.id
    name = row.name
    arrayID = row.arrayID
    elementID = row.elementID
    length = row.length
    isByValue = row.isByValue
    alignment = row.alignment
    storage = row.storage
    category = row.category
    isPreferred = row.isPreferred
    delimiter = row.delimiter
    input = functions.input
    output = functions.output
    receive = functions.receive
    send = functions.send
    compare = functions.compare
    equal = functions.equal
    hash = functions.hash
    hashExtended = functions.hashExtended
    typmodInput = functions.typmodInput
    typmodOutput = functions.typmodOutput
  }

  public var isVariableLength: Bool { length == -1 }

  /// A value from a text of the program.
  public func value(
    of text: String, typmod: Int32 = -1, _ settings: TypeSettings = TypeSettings(), in arena: Arena
  ) throws(TypeError) -> Datum {
    try input(arena.copy(text).bytes, typmod, settings, arena)
  }

  /// A value's text, for messages and tests. Costs an allocation.
  public func text(of datum: Datum, _ settings: TypeSettings = TypeSettings()) -> String {
    var text: [UInt8] = []
    output(datum, settings, &text)
    return String(decoding: text, as: UTF8.self)
  }
}
