#if canImport(Glibc)
  public import Glibc
#elseif canImport(Musl)
  public import Musl
#elseif canImport(Darwin)
  public import Darwin
#endif

/// Bytes that somebody else owns: a datum's, a message's, a literal's.
///
/// It is two words and costs nothing to pass. Whoever keeps one keeps what it points to as well: an ``Arena`` until its
/// reset, a page until it is unpinned. Every access is checked against its bounds.
@frozen public struct ByteView: RandomAccessCollection, BitwiseCopyable {
  @usableFromInline let base: UnsafeRawPointer?
  public let count: Int

  /// - Parameter bytes: must stay where they are as long as the view is used.
  @inlinable public init(_ bytes: UnsafeRawBufferPointer) {
    base = bytes.baseAddress
    count = bytes.count
  }

  @inlinable public init(start: UnsafeRawPointer?, count: Int) {
    precondition(count >= 0 && (start != nil || count == 0), "a view of \(count) bytes needs an address")
    base = start
    self.count = count
  }

  /// A view of no bytes.
  @inlinable public init() {
    base = nil
    count = 0
  }

  /// A text in the program itself, which is there for ever.
  @inlinable public init(_ text: StaticString) {
    self.init(start: text.utf8Start, count: text.utf8CodeUnitCount)
  }

  @inlinable public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int { count }

  @inlinable public subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < count, "byte \(index) of \(count)")
    return base.unsafelyUnwrapped.load(fromByteOffset: index, as: UInt8.self)
  }

  /// A part of the bytes. Its indices begin at zero, as those of every view.
  @inlinable public subscript(bounds: Range<Int>) -> ByteView {
    precondition(bounds.lowerBound >= 0 && bounds.upperBound <= count, "bytes \(bounds) of \(count)")
    return ByteView(start: base.map { $0 + bounds.lowerBound }, count: bounds.count)
  }

  @inlinable public func from(_ start: Int) -> ByteView { self[start..<count] }

  @inlinable public func upTo(_ end: Int) -> ByteView { self[0..<end] }

  /// A number at any address, in this machine's byte order.
  @inlinable public func load<Number: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as: Number.Type = Number.self
  ) -> Number {
    precondition(
      offset >= 0 && offset + MemoryLayout<Number>.size <= count,
      "\(MemoryLayout<Number>.size) bytes at \(offset) of \(count)")
    return base.unsafelyUnwrapped.loadUnaligned(fromByteOffset: offset, as: Number.self)
  }

  /// Byte-wise comparison, the shorter first where one begins the other: negative, zero or positive.
  @inlinable public func compare(_ other: ByteView) -> Int {
    let common = Swift.min(count, other.count)
    if common > 0 {
      let order = memcmp(base.unsafelyUnwrapped, other.base.unsafelyUnwrapped, common)
      if order != 0 { return Int(order) }
    }
    return count - other.count
  }

  @inlinable public func isEqual(_ other: ByteView) -> Bool {
    guard count == other.count else { return false }
    return count == 0 || memcmp(base.unsafelyUnwrapped, other.base.unsafelyUnwrapped, count) == 0
  }

  @inlinable public func hasPrefix(_ prefix: ByteView) -> Bool {
    count >= prefix.count && upTo(prefix.count).isEqual(prefix)
  }

  /// Where `needle` first occurs at or after `start`; nil if nowhere.
  @inlinable public func firstIndex(of needle: ByteView, from start: Int = 0) -> Int? {
    if needle.isEmpty { return start <= count ? start : nil }
    guard let base, let wanted = needle.base else { return nil }
    let first = Int32(needle[0])
    var at = start
    while at + needle.count <= count, let found = memchr(base + at, first, count - needle.count - at + 1) {
      at = UnsafeRawPointer(found) - base
      if memcmp(found, wanted, needle.count) == 0 { return at }
      at += 1
    }
    return nil
  }

  /// Where a byte first occurs at or after `start`; nil if nowhere.
  @inlinable public func firstIndex(of byte: UInt8, from start: Int) -> Int? {
    precondition(start >= 0 && start <= count, "byte \(start) of \(count)")
    guard let base, let found = memchr(base + start, Int32(byte), count - start) else { return nil }
    return UnsafeRawPointer(found) - base
  }

  /// Whether all bytes are ASCII, and none is zero. 32 at a time.
  public var isPlainASCII: Bool {
    guard let base else { return true }
    // One less than a byte has its highest bit set where that byte is zero, and else only where it has it itself.
    let ones = SIMD4<UInt64>(repeating: 0x0101_0101_0101_0101)
    var seen = SIMD4<UInt64>(repeating: 0)
    var at = 0
    while at + 32 <= count {
      let word = base.loadUnaligned(fromByteOffset: at, as: SIMD4<UInt64>.self)
      seen |= word | (word &- ones)
      at += 32
    }
    var high = seen[0] | seen[1] | seen[2] | seen[3]
    while at < count {
      let byte = self[at]
      if byte == 0 || byte >= 0x80 { high = .max }
      at += 1
    }
    return high & 0x8080_8080_8080_8080 == 0
  }

  /// Whether there is a byte that is less than a limit, or is one of two others. 16 at a time.
  /// - Parameter limit: 0 or 32.
  public func contains(below limit: UInt8, or first: UInt8, or second: UInt8) -> Bool {
    guard let base else { return false }
    let ones = SIMD2<UInt64>(repeating: 0x0101_0101_0101_0101)
    let control = SIMD2<UInt64>(repeating: 0xE0E0_E0E0_E0E0_E0E0)
    let (a, b) = (ones &* SIMD2(repeating: UInt64(first)), ones &* SIMD2(repeating: UInt64(second)))
    var at = 0
    // What `(x - 1) & ~x` has in the highest bits of its bytes tells whether one of x is zero.
    if limit > 0 {
      while at + 16 <= count {
        let word = base.loadUnaligned(fromByteOffset: at, as: SIMD2<UInt64>.self)
        let (x, y, z) = (word & control, word ^ a, word ^ b)
        let found = ((x &- ones) & ~x) | ((y &- ones) & ~y) | ((z &- ones) & ~z)
        if (found[0] | found[1]) & 0x8080_8080_8080_8080 != 0 { return true }
        at += 16
      }
    } else {
      while at + 16 <= count {
        let word = base.loadUnaligned(fromByteOffset: at, as: SIMD2<UInt64>.self)
        let (y, z) = (word ^ a, word ^ b)
        let found = ((y &- ones) & ~y) | ((z &- ones) & ~z)
        if (found[0] | found[1]) & 0x8080_8080_8080_8080 != 0 { return true }
        at += 16
      }
    }
    while at < count {
      let byte = base.load(fromByteOffset: at, as: UInt8.self)
      if byte < limit || byte == first || byte == second { return true }
      at += 1
    }
    return false
  }

  /// The bytes as they lie in memory, for copying and for hashing.
  @inlinable public var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  @inlinable public var array: [UInt8] { Array(buffer) }

  /// Lets `body` see the bytes with a zero after them, as C wants a string.
  func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { copy in
      for index in 0..<count { copy[index] = CChar(bitPattern: self[index]) }
      copy[count] = 0
      return body(UnsafePointer(copy.baseAddress.unsafelyUnwrapped))
    }
  }

  /// Lets `body` see a number's bytes in this machine's order.
  static func withBytes<Number: FixedWidthInteger, Result>(of number: Number, _ body: (ByteView) -> Result) -> Result {
    Swift.withUnsafeBytes(of: number) { body(ByteView($0)) }
  }

  /// The bytes as text, for messages. What is not UTF-8 is replaced.
  @inlinable public var string: String { String(decoding: buffer, as: UTF8.self) }
}

extension [UInt8] {
  /// Lets `body` see the array's bytes without a copy.
  @inlinable public func withByteView<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeBufferPointer { (bytes) throws(Failure) in try body(ByteView(UnsafeRawBufferPointer(bytes))) }
  }

  @inlinable public mutating func append(_ bytes: ByteView) { append(contentsOf: bytes.buffer) }

  @inlinable public mutating func append(_ text: StaticString) { append(ByteView(text)) }

  /// Appends a number in network byte order.
  @inlinable public mutating func append<Number: FixedWidthInteger>(bigEndian number: Number) {
    Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
  }

  /// Appends a number in this machine's byte order.
  @inlinable public mutating func append<Number: FixedWidthInteger>(native number: Number) {
    Swift.withUnsafeBytes(of: number) { append(contentsOf: $0) }
  }

  /// Writes over a number that was appended in this machine's byte order.
  @inlinable public mutating func overwrite<Number: FixedWidthInteger>(native number: Number, at offset: Int) {
    Swift.withUnsafeBytes(of: number) { replaceSubrange(offset..<offset + $0.count, with: $0) }
  }

  /// Appends a number in decimal.
  @inlinable public mutating func append<Number: BinaryInteger>(decimal number: Number) {
    if let small = Int64(exactly: number) {
      appendDecimal(small)
    } else {
      append(contentsOf: String(number).utf8)
    }
  }

  /// Appends a number in decimal, with zeros before it up to a width that does not count the sign.
  @inlinable public mutating func append(decimal number: Int, width: Int) {
    if number < 0 { append(UInt8(ascii: "-")) }
    var divisor: UInt = 1
    for _ in 1..<Swift.max(width, 1) {
      divisor *= 10
      if divisor > number.magnitude { append(UInt8(ascii: "0")) }
    }
    appendDecimal(Int64(truncatingIfNeeded: number.magnitude))
  }

  @usableFromInline mutating func appendDecimal(_ number: Int64) {
    var magnitude = number.magnitude
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var start = 20
      repeat {
        let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
        start -= 1
        digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
        magnitude = quotient
      } while magnitude > 0
      if number < 0 { append(UInt8(ascii: "-")) }
      append(contentsOf: digits[start...])
    }
  }
}
