/// What SQL does with texts, counted in characters (PostgreSQL's varlena.c and oracle_compat.c).
///
/// Parts of a text are given as views of it, without a copy; what is new is appended to a buffer of the caller's.
public enum TextFunctions {
  /// The most bytes that a value may have.
  public static let lengthMax = 0x3FFF_FFFF - 4

  static let requestTooLarge = TypeError(.programLimitExceeded, "requested length too large")
  static let negativeLength = TypeError(.substringError, "negative substring length not allowed")

  // MARK: - Parts

  /// `substring(text from start for length)`. Positions count from 1 and may lie outside.
  public static func substring(_ text: ByteView, from start: Int32, length: Int32? = nil) throws(TypeError) -> ByteView
  {
    let first = max(start, 1)
    let skipped = UTF8Encoding.prefixLength(text, characters: Int(first) - 1)
    guard let length else { return text.from(skipped) }
    if length < 0 { throw negativeLength }
    let end = Int(start) + Int(length)
    if end <= Int(first) { return ByteView() }
    let rest = text.from(skipped)
    return rest.upTo(UTF8Encoding.prefixLength(rest, characters: end - Int(first)))
  }

  /// The same of bytes.
  public static func substring(bytes: ByteView, from start: Int32, length: Int32? = nil) throws(TypeError) -> ByteView {
    let first = min(Int(max(start, 1)) - 1, bytes.count)
    guard let length else { return bytes.from(first) }
    if length < 0 { throw negativeLength }
    let end = min(Int(start) + Int(length) - 1, bytes.count)
    return end <= first ? ByteView() : bytes[first..<end]
  }

  /// The first characters, or all but the last `-count`.
  public static func left(_ text: ByteView, _ count: Int32) -> ByteView {
    let characters = count < 0 ? UTF8Encoding.characterCount(text) + Int(count) : Int(count)
    return text.upTo(UTF8Encoding.prefixLength(text, characters: max(characters, 0)))
  }

  /// The last characters, or all but the first `-count`.
  public static func right(_ text: ByteView, _ count: Int32) -> ByteView {
    // The smallest number has no opposite; PostgreSQL's overflows, and skips nothing.
    let skipped = count < 0 ? Int(0 &- count) : UTF8Encoding.characterCount(text) - Int(count)
    return text.from(UTF8Encoding.prefixLength(text, characters: max(skipped, 0)))
  }

  /// `strpos`, `position`: the character at which `needle` first begins, from 1; 0 if nowhere.
  public static func position(of needle: ByteView, in text: ByteView) -> Int32 {
    guard let found = text.firstIndex(of: needle) else { return 0 }
    return Int32(UTF8Encoding.characterCount(text.upTo(found))) + 1
  }

  /// `split_part`: a field, counted from 1, or from the last by -1.
  public static func splitPart(_ text: ByteView, _ separator: ByteView, _ field: Int32) throws(TypeError) -> ByteView {
    if field == 0 { throw .invalidParameter("field position must not be zero") }
    if text.isEmpty { return text }
    if separator.isEmpty { return field == 1 || field == -1 ? text : ByteView() }
    var starts = [0]
    while let found = text.firstIndex(of: separator, from: starts[starts.count - 1]) {
      if field > 0, starts.count == Int(field) { return text[starts[starts.count - 1]..<found] }
      starts.append(found + separator.count)
    }
    let index = field > 0 ? Int(field) - 1 : starts.count + Int(field)
    guard starts.indices.contains(index) else { return ByteView() }
    let end = index + 1 < starts.count ? starts[index + 1] - separator.count : text.count
    return text[starts[index]..<end]
  }

  // MARK: - Trimming and padding

  /// `ltrim`, `rtrim`, `btrim`: without the characters of the set at one end or both.
  public static func trim(
    _ text: ByteView, _ set: ByteView, leading: Bool, trailing: Bool
  ) -> ByteView {
    var (start, end) = (0, text.count)
    if leading {
      while start < end {
        let length = min(UTF8Encoding.length(ofCharacterWith: text[start]), end - start)
        guard contains(set, text[start..<start + length]) else { break }
        start += length
      }
    }
    if trailing {
      while end > start {
        var first = end - 1
        while first > start, text[first] & 0xC0 == 0x80 { first -= 1 }
        guard contains(set, text[first..<end]) else { break }
        end = first
      }
    }
    return text[start..<end]
  }

  private static func contains(_ set: ByteView, _ character: ByteView) -> Bool {
    var at = 0
    while at < set.count {
      let length = min(UTF8Encoding.length(ofCharacterWith: set[at]), set.count - at)
      if set[at..<at + length].isEqual(character) { return true }
      at += length
    }
    return false
  }

  /// `btrim(bytea, bytea)` and its kin.
  public static func trim(bytes: ByteView, _ set: ByteView, leading: Bool, trailing: Bool) -> ByteView {
    var (start, end) = (0, bytes.count)
    if leading { while start < end, set.contains(bytes[start]) { start += 1 } }
    if trailing { while end > start, set.contains(bytes[end - 1]) { end -= 1 } }
    return bytes[start..<end]
  }

  /// `lpad`, `rpad`: exactly so many characters, cut off at the end or filled up.
  public static func pad(
    _ text: ByteView, to length: Int32, with fill: ByteView, left: Bool, to result: inout [UInt8]
  ) throws(TypeError) {
    let wanted = Int(max(length, 0))
    if wanted * 4 > lengthMax, !fill.isEmpty { throw requestTooLarge }
    let count = UTF8Encoding.characterCount(text)
    if count >= wanted || fill.isEmpty {
      return result.append(text.upTo(UTF8Encoding.prefixLength(text, characters: wanted)))
    }
    if !left { result.append(text) }
    let fillCount = UTF8Encoding.characterCount(fill)
    var missing = wanted - count
    while missing >= fillCount {
      result.append(fill)
      missing -= fillCount
    }
    result.append(fill.upTo(UTF8Encoding.prefixLength(fill, characters: missing)))
    if left { result.append(text) }
  }

  // MARK: - Case

  /// `upper` in the collation "C": ASCII letters only.
  public static func upper(_ text: ByteView, to result: inout [UInt8]) {
    for byte in text.buffer { result.append(ASCII.upper(byte)) }
  }

  /// `lower` in the collation "C".
  public static func lower(_ text: ByteView, to result: inout [UInt8]) {
    for byte in text.buffer { result.append(ASCII.lower(byte)) }
  }

  /// `initcap` in the collation "C": a word is of ASCII letters and digits.
  public static func capitalized(_ text: ByteView, to result: inout [UInt8]) {
    var isInWord = false
    for byte in text.buffer {
      result.append(isInWord ? ASCII.lower(byte) : ASCII.upper(byte))
      isInWord = ASCII.isLetterOrDigit(byte)
    }
  }

  // MARK: - Changes

  /// `overlay(text placing other from start for length)`.
  public static func overlay(
    _ text: ByteView, _ other: ByteView, from start: Int32, length: Int32, to result: inout [UInt8]
  ) throws(TypeError) {
    if start <= 0 { throw negativeLength }
    let (end, overflows) = start.addingReportingOverflow(length)
    if overflows { throw .outOfRange("integer") }
    result.append(try substring(text, from: 1, length: start - 1))
    result.append(other)
    result.append(try substring(text, from: end))
  }

  public static func replace(_ text: ByteView, _ from: ByteView, with other: ByteView, to result: inout [UInt8]) {
    if from.isEmpty { return result.append(text) }
    var at = 0
    while let found = text.firstIndex(of: from, from: at) {
      result.append(text[at..<found])
      result.append(other)
      at = found + from.count
    }
    result.append(text.from(at))
  }

  public static func repeated(_ text: ByteView, _ count: Int32, to result: inout [UInt8]) throws(TypeError) {
    // Of nothing there is nothing, however often.
    let count = text.isEmpty ? 0 : Int(max(count, 0))
    if text.count * count > lengthMax { throw requestTooLarge }
    result.reserveCapacity(result.count + text.count * count)
    let length = max((1 << 20) / max(text.count, 1), 1)
    for start in stride(from: 0, to: count, by: length) {
      try LongWork.note(min(length, count - start) * text.count)
      for _ in start..<min(start + length, count) { result.append(text) }
    }
  }

  public static func reversed(_ text: ByteView, to result: inout [UInt8]) {
    var end = text.count
    while end > 0 {
      var start = end - 1
      while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
      result.append(text[start..<end])
      end = start
    }
  }

  /// `translate`: each character of the set becomes the one at its place in the other, or nothing.
  public static func translate(_ text: ByteView, _ set: ByteView, _ other: ByteView, to result: inout [UInt8]) {
    let (sources, targets) = (characters(set), characters(other))
    for character in characters(text) {
      guard let index = sources.firstIndex(where: { $0.isEqual(character) }) else {
        result.append(character)
        continue
      }
      if index < targets.count { result.append(targets[index]) }
    }
  }

  private static func characters(_ text: ByteView) -> [ByteView] {
    var characters: [ByteView] = []
    var at = 0
    while at < text.count {
      let length = min(UTF8Encoding.length(ofCharacterWith: text[at]), text.count - at)
      characters.append(text[at..<at + length])
      at += length
    }
    return characters
  }

  // MARK: - Characters and numbers

  /// `ascii`: the code point of the first character; 0 for an empty text.
  public static func ascii(_ text: ByteView) -> Int32 {
    guard let first = text.first else { return 0 }
    let length = min(UTF8Encoding.length(ofCharacterWith: first), text.count)
    var value = length == 1 ? Int32(first) : Int32(first) & (0x7F >> Int32(length))
    for index in 1..<max(length, 1) { value = value << 6 | Int32(text[index] & 0x3F) }
    return value
  }

  /// `chr`: the character of a code point.
  public static func character(_ code: Int32, to result: inout [UInt8]) throws(TypeError) {
    if code < 0 { throw .invalidParameter("character number must be positive") }
    if code == 0 { throw TypeError(.programLimitExceeded, "null character not permitted") }
    if code > 0x10FFFF {
      throw TypeError(.programLimitExceeded, "requested character too large for encoding: \(code)")
    }
    guard let scalar = Unicode.Scalar(UInt32(code)) else {
      throw TypeError(.programLimitExceeded, "requested character not valid for encoding: \(code)")
    }
    result.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
  }

  /// `to_hex`, `to_oct`, `to_bin`: the bits of a number, as digits.
  /// - Parameter radix: 16, 8 or 2.
  public static func digits<Number: SQLInteger>(_ number: Number, radix: Int, to result: inout [UInt8]) {
    result.append(contentsOf: String(Number.Magnitude(truncatingIfNeeded: number), radix: radix).utf8)
  }
}
