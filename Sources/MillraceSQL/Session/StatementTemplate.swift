import MillraceTypes

/// A statement's text with its whole numbers taken out: `… where id = 17` and `… where id = 18` are the same statement
/// with other values. Clients of the simple protocol send the like again and again.
///
/// A number that stands where the grammar wants one, as in `varchar(10)`, makes a text that cannot be parsed, and where
/// its value says what is meant, as in ORDER BY 1, a statement that is not taken; see ``KnownStatements``.
struct StatementTemplate: ~Copyable {
  /// Longer texts are not looked at.
  static let lengthMax = 1024
  static let numbersMax = 32

  /// The text with `$1`, `$2`, … for the numbers. Without a semicolon at its end.
  private(set) var text: [UInt8] = []
  private(set) var numbers: [Int32] = []
  /// Of ``text``.
  private(set) var hash: UInt64 = 0

  init() {
    text.reserveCapacity(Self.lengthMax + 4 * Self.numbersMax)
    numbers.reserveCapacity(Self.numbersMax)
  }

  /// Reads a statement.
  /// - Returns: false where it has something that is not understood here: comments, several statements, quotes with
  ///   backslashes. Then it has to be parsed as it is.
  /// - Complexity: one pass; allocates nothing.
  mutating func read(_ sql: String) -> Bool {
    text.removeAll(keepingCapacity: true)
    numbers.removeAll(keepingCapacity: true)
    var sql = sql
    let isUnderstood = sql.withUTF8 { $0.count <= Self.lengthMax && scan($0) }
    if isUnderstood { hash = text.withUnsafeBytes { Self.hash($0) } }
    return isUnderstood
  }

  private mutating func scan(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var place = 0
    /// The last byte that is no blank; a number's is "0".
    var last: UInt8 = 0
    while place < bytes.count {
      let byte = bytes[place]
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        guard let end = scanNumber(bytes, place, isNegative: false) else { return false }
        place = end
      case UInt8(ascii: "-"):
        guard place + 1 < bytes.count, bytes[place + 1] != UInt8(ascii: "-") else { return false }
        // The grammar makes one constant of a number and a sign that stands before it and behind nothing.
        if Self.isDigit(bytes[place + 1]), Self.isBeforeOperand(last) {
          guard let end = scanNumber(bytes, place + 1, isNegative: true) else { return false }
          place = end
        } else {
          text.append(byte)
          place += 1
        }
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        guard let end = Self.endOfQuote(bytes, place) else { return false }
        text.append(contentsOf: bytes[place..<end])
        place = end
      case UInt8(ascii: ";"):
        return bytes[(place + 1)...].allSatisfy { Self.isBlank($0) }
      case UInt8(ascii: "$"), UInt8(ascii: "\\"), 0: return false
      case UInt8(ascii: "/") where place + 1 < bytes.count && bytes[place + 1] == UInt8(ascii: "*"): return false
      case _ where Self.isLetter(byte):
        let end = bytes[place...].firstIndex { !Self.isLetter($0) && !Self.isDigit($0) } ?? bytes.count
        // E'…', U&'…' and the like have rules of their own, and so has $ in a name.
        if end < bytes.count, [UInt8(ascii: "'"), UInt8(ascii: "&"), UInt8(ascii: "$")].contains(bytes[end]) {
          return false
        }
        text.append(contentsOf: bytes[place..<end])
        place = end
      default:
        text.append(byte)
        place += 1
      }
      if !Self.isBlank(bytes[place - 1]) { last = bytes[place - 1] }
    }
    return true
  }

  /// A whole number that is an `int4` for sure, by itself. - Returns: its end.
  private mutating func scanNumber(
    _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, isNegative: Bool
  ) -> Int? {
    var (end, value) = (start, Int32(0))
    while end < bytes.count, Self.isDigit(bytes[end]) {
      guard end - start < 9 else { return nil }
      value = value * 10 + Int32(bytes[end] & 15)
      end += 1
    }
    if end < bytes.count, bytes[end] == UInt8(ascii: ".") || Self.isLetter(bytes[end]) { return nil }
    if let before = text.last, before == UInt8(ascii: ".") { return nil }
    guard numbers.count < Self.numbersMax else { return nil }
    numbers.append(isNegative ? -value : value)
    text.append(UInt8(ascii: "$"))
    if numbers.count > 9 { text.append(0x30 + UInt8(numbers.count / 10)) }
    text.append(0x30 + UInt8(numbers.count % 10))
    return end
  }

  private static func endOfQuote(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    for place in (start + 1)..<bytes.count {
      if bytes[place] == UInt8(ascii: "\\") || bytes[place] == 0 { return nil }
      // A doubled one ends a string and begins the next, which comes to the same.
      if bytes[place] == bytes[start] { return place + 1 }
    }
    return nil
  }

  @inline(__always) private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  @inline(__always) private static func isLetter(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_") || byte >= 0x80
  }

  @inline(__always) private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte &- 9 < 5 }

  /// Whether an operand must follow, so that a minus sign is a number's.
  private static func isBeforeOperand(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "("), UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: "+"): true
    default: false
    }
  }

  /// FNV-1a over words; who finds something by it compares the text.
  static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(bytes.count)
    var place = 0
    while place + 8 <= bytes.count {
      hash = (hash ^ bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 29
      place += 8
    }
    while place < bytes.count {
      hash = (hash ^ UInt64(bytes[place])) &* 0x100_0000_01B3
      place += 1
    }
    return hash ^ hash >> 32
  }
}
