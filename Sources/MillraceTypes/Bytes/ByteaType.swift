/// The type `bytea`.
public enum ByteaType {
  static func parse(_ text: ByteView, in arena: Arena) throws(TypeError) -> Datum {
    if text.hasPrefix(ByteView("\\x")) {
      return try arena.make { (bytes) throws(TypeError) in
        try BinaryEncoding.decodeHex(text.from(2), to: &bytes)
      }
    }
    return try arena.make { (bytes) throws(TypeError) in
      guard BinaryEncoding.decodeEscape(text, to: &bytes) else {
        throw TypeError(.invalidTextRepresentation, "invalid input syntax for type bytea")
      }
    }
  }

  static let functions = TypeDescriptor.Functions(
    input: { (text, _, _, arena) throws(TypeError) in try parse(text, in: arena) },
    output: { value, settings, text in
      switch settings.byteaOutput {
      case .hex:
        text.append("\\x")
        BinaryEncoding.encodeHex(value.bytes, to: &text)
      case .escape: BinaryEncoding.encodeBytea(value.bytes, to: &text)
      }
    },
    receive: { message, _, arena in arena.copy(message.remaining()) },
    send: { value, message in message.append(value.bytes) },
    compare: TextType.compare, equal: TextType.equal, hash: TextType.hash,
    hashExtended: { Hashing.bytes($0.bytes, seed: $1) })
}
