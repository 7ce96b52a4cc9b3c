/// The type `tid`: where a row is, a block number in two halves and a line pointer's number, six bytes in all.
public enum TIDType {
  public static func block(_ value: Datum) -> UInt32 {
    UInt32(value.bytes.load(at: 0, as: UInt16.self)) << 16 | UInt32(value.bytes.load(at: 2, as: UInt16.self))
  }

  public static func offset(_ value: Datum) -> UInt16 { value.bytes.load(at: 4) }

  public static func make(block: UInt32, offset: UInt16, in arena: Arena) -> Datum {
    arena.make(6) { target in
      target.storeBytes(of: UInt16(block >> 16), toByteOffset: 0, as: UInt16.self)
      target.storeBytes(of: UInt16(truncatingIfNeeded: block), toByteOffset: 2, as: UInt16.self)
      target.storeBytes(of: offset, toByteOffset: 4, as: UInt16.self)
    }
  }

  public static func compare(_ a: Datum, _ b: Datum) -> Int {
    let (left, right) = (block(a), block(b))
    if left != right { return left < right ? -1 : 1 }
    return Int(offset(a)) - Int(offset(b))
  }

  /// `(block,offset)`, each as C's `strtoul` reads it.
  static func parse(_ text: ByteView, in arena: Arena) throws(TypeError) -> Datum {
    guard let open = text.firstIndex(of: UInt8(ascii: "(")), let comma = text.firstIndex(of: UInt8(ascii: ",")),
      let close = text.firstIndex(of: UInt8(ascii: ")")), open < comma, comma < close
    else { throw .invalidInput("tid", text) }
    guard let block = number(text[open + 1..<comma]), let offset = number(text[comma + 1..<close]),
      let offset = UInt16(exactly: offset)
    else { throw .invalidInput("tid", text) }
    return make(block: block, offset: offset, in: arena)
  }

  /// What C's `strtoul` makes of it in base ten: nothing at all is zero, a negative number wraps around.
  private static func number(_ text: ByteView) -> UInt32? {
    if text.isEmpty { return 0 }
    var at = 0
    while at < text.count, ASCII.isSpace(text[at]) { at += 1 }
    let isNegative = at < text.count && text[at] == UInt8(ascii: "-")
    if isNegative || (at < text.count && text[at] == UInt8(ascii: "+")) { at += 1 }
    guard at < text.count else { return nil }
    var value: UInt64 = 0
    for byte in text.from(at) {
      guard ASCII.isDigit(byte), value <= UInt64(UInt32.max) else { return nil }
      value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
    }
    if isNegative { return value <= 1 << 31 ? UInt32(truncatingIfNeeded: 0 &- value) : nil }
    return UInt32(exactly: value)
  }

  static let functions = TypeDescriptor.Functions(
    input: { (text, _, _, arena) throws(TypeError) in try parse(text, in: arena) },
    output: { value, _, text in
      text.append("(")
      text.append(decimal: block(value))
      text.append(",")
      text.append(decimal: offset(value))
      text.append(")")
    },
    receive: { (message, _, arena) throws(TypeError) in
      let block = try message.integer(UInt32.self)
      return make(block: block, offset: try message.integer(UInt16.self), in: arena)
    },
    send: { value, message in
      message.append(bigEndian: block(value))
      message.append(bigEndian: offset(value))
    },
    compare: compare, equal: TextType.equal, hash: TextType.hash,
    hashExtended: { Hashing.bytes($0.bytes, seed: $1) })
}
