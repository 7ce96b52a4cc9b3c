/// The type `text`, in the database's encoding and the collation "C": bytes decide.
public enum TextType {
  @inlinable public static func compare(_ a: Datum, _ b: Datum) -> Int { a.bytes.compare(b.bytes) }
  @inlinable public static func equal(_ a: Datum, _ b: Datum) -> Bool { a.bytes.isEqual(b.bytes) }
  @inlinable public static func hash(_ a: Datum) -> UInt32 { Hashing.bytes(a.bytes) }

  static let functions = TypeDescriptor.Functions(
    input: { text, _, _, arena in arena.copy(text) },
    output: { value, _, text in text.append(value.bytes) },
    receive: { (message, _, arena) throws(TypeError) in arena.copy(try message.text()) },
    send: { value, message in message.append(value.bytes) },
    compare: compare, equal: equal, hash: hash,
    hashExtended: { Hashing.bytes($0.bytes, seed: $1) })

  /// `cstring`, `pg_node_tree`, `unknown`: texts that no operator compares.
  static var unordered: TypeDescriptor.Functions {
    var functions = functions
    functions.compare = nil
    functions.hash = nil
    functions.hashExtended = nil
    return functions
  }
}

/// The type `name`: 64 bytes, at most 63 of them used, the rest zero.
public enum NameType {
  public static let length = 64

  /// The bytes before the first zero.
  @inlinable public static func text(_ value: Datum) -> ByteView {
    let bytes = value.bytes
    return bytes.upTo(bytes.firstIndex(of: 0) ?? bytes.count)
  }

  @inlinable public static func compare(_ a: Datum, _ b: Datum) -> Int { text(a).compare(text(b)) }
  @inlinable public static func equal(_ a: Datum, _ b: Datum) -> Bool { text(a).isEqual(text(b)) }

  /// A name from a text, which is cut to as many whole characters as fit.
  public static func make(_ text: ByteView, in arena: Arena) -> Datum {
    let kept = UTF8Encoding.clippedLength(text, bytes: length - 1)
    return arena.make(length) { target in
      target.copyMemory(from: text.upTo(kept).buffer)
      for index in kept..<length { target[index] = 0 }
    }
  }

  static let functions = TypeDescriptor.Functions(
    input: { text, _, _, arena in make(text, in: arena) },
    output: { value, _, out in out.append(text(value)) },
    receive: { (message, _, arena) throws(TypeError) in
      let bytes = try message.text()
      guard bytes.count < length else {
        throw TypeError(
          SQLState("42622"), "identifier too long", detail: "Identifier must be less than \(length) characters.")
      }
      return make(bytes, in: arena)
    },
    send: { value, message in message.append(text(value)) },
    compare: compare, equal: equal, hash: { Hashing.bytes(text($0)) },
    hashExtended: { Hashing.bytes(text($0), seed: $1) })
}
