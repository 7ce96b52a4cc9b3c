/// The type `uuid`: 16 bytes.
public enum UUIDType {
  /// 32 hexadecimal digits, a hyphen allowed after every four of them, perhaps in braces.
  static func parse(_ text: ByteView, in arena: Arena) throws(TypeError) -> Datum {
    var at = 0
    let hasBraces = text.first == UInt8(ascii: "{")
    if hasBraces { at = 1 }
    return try arena.make { (bytes) throws(TypeError) in
      for index in 0..<16 {
        guard at + 1 < text.count, let high = ASCII.hexValue(text[at]), let low = ASCII.hexValue(text[at + 1]) else {
          throw .invalidInput("uuid", text)
        }
        bytes.append(high << 4 | low)
        at += 2
        if at < text.count, text[at] == UInt8(ascii: "-"), index % 2 == 1, index < 15 { at += 1 }
      }
      if hasBraces {
        guard at < text.count, text[at] == UInt8(ascii: "}") else { throw .invalidInput("uuid", text) }
        at += 1
      }
      guard at == text.count else { throw .invalidInput("uuid", text) }
    }
  }

  static let functions = TypeDescriptor.Functions(
    input: { (text, _, _, arena) throws(TypeError) in try parse(text, in: arena) },
    output: { value, _, text in
      let bytes = value.bytes
      for (start, end) in [(0, 4), (4, 6), (6, 8), (8, 10), (10, 16)] {
        if start > 0 { text.append("-") }
        BinaryEncoding.encodeHex(bytes[start..<end], to: &text)
      }
    },
    receive: { (message, _, arena) throws(TypeError) in arena.copy(try message.bytes(16)) },
    send: { value, message in message.append(value.bytes) },
    compare: TextType.compare, equal: TextType.equal, hash: TextType.hash,
    hashExtended: { Hashing.bytes($0.bytes, seed: $1) })
}
