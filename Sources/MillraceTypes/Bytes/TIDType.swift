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
    let block: UInt32
    let offset: UInt32
    do throws(TypeError) {
      let first = text[open + 1..<comma]
      let second = text[comma + 1..<close]
      let (number, end) = try IntegerText.parseUnsigned(first, type: "tid", mayContinue: true)
      let (position, positionEnd) = try IntegerText.parseUnsigned(second, type: "tid", mayContinue: true)
      guard end == first.count, positionEnd == second.count, position <= UInt16.max else {
        throw .invalidInput("tid", text)
      }
      block = number
      offset = position
    } catch {
      throw .invalidInput("tid", text)
    }
    return make(block: block, offset: UInt16(offset), in: arena)
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
