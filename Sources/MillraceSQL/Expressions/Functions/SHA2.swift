import MillraceTypes

/// SHA-2 (FIPS 180-4).
enum SHA2 {
  private static let primes: [UInt64] = {
    var primes: [UInt64] = []
    var candidate: UInt64 = 2
    while primes.count < 80 {
      if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
      candidate += 1
    }
    return primes
  }()

  /// The first 64 bits after the point of a prime's root, found digit by digit.
  private static func fraction(of prime: UInt64, isCube: Bool) -> UInt64 {
    // The largest number whose square (cube), scaled, is not larger than the prime: whole part and 64 bits.
    var root = WideNumber(0)
    for bit in stride(from: 68, through: 0, by: -1) {
      let candidate = root.setting(bit)
      let power = isCube ? candidate.times(candidate).times(candidate) : candidate.times(candidate)
      let scaled = WideNumber(prime).shifted(left: isCube ? 192 : 128)
      if !(scaled < power) { root = candidate }
    }
    return root.lowWord
  }

  private static let constants = primes.map { fraction(of: $0, isCube: true) }
  private static let roots512 = primes[..<8].map { fraction(of: $0, isCube: false) }
  private static let roots384 = primes[8..<16].map { fraction(of: $0, isCube: false) }

  static func sha256(_ bytes: ByteView, to result: inout [UInt8]) {
    appendDigest32(bytes, roots512.map { UInt32($0 >> 32) }, words: 8, to: &result)
  }

  static func sha224(_ bytes: ByteView, to result: inout [UInt8]) {
    appendDigest32(bytes, roots384.map { UInt32(truncatingIfNeeded: $0) }, words: 7, to: &result)
  }

  static func sha512(_ bytes: ByteView, to result: inout [UInt8]) {
    appendDigest64(bytes, roots512, words: 8, to: &result)
  }

  static func sha384(_ bytes: ByteView, to result: inout [UInt8]) {
    appendDigest64(bytes, roots384, words: 6, to: &result)
  }

  private static func padded(_ bytes: ByteView, block: Int) -> [UInt8] {
    var message = bytes.array
    message.append(0x80)
    while message.count % block != block - block / 8 { message.append(0) }
    if block == 128 { message.append(bigEndian: UInt64(0)) }
    message.append(bigEndian: UInt64(bytes.count) * 8)
    return message
  }

  private static func rotated(_ word: UInt32, _ by: UInt32) -> UInt32 { word >> by | word << (32 - by) }
  private static func rotated(_ word: UInt64, _ by: UInt64) -> UInt64 { word >> by | word << (64 - by) }

  private static func appendDigest32(_ bytes: ByteView, _ initial: [UInt32], words: Int, to result: inout [UInt8]) {
    var hash = initial
    var schedule = [UInt32](repeating: 0, count: 64)
    let message = padded(bytes, block: 64)
    message.withByteView { message in
      for block in stride(from: 0, to: message.count, by: 64) {
        for index in 0..<16 { schedule[index] = UInt32(bigEndian: message.load(at: block + 4 * index)) }
        for index in 16..<64 {
          let (x, y) = (schedule[index - 15], schedule[index - 2])
          let low = rotated(x, 7) ^ rotated(x, 18) ^ x >> 3
          let high = rotated(y, 17) ^ rotated(y, 19) ^ y >> 10
          schedule[index] = schedule[index - 16] &+ low &+ schedule[index - 7] &+ high
        }
        var (a, b, c, d) = (hash[0], hash[1], hash[2], hash[3])
        var (e, f, g, h) = (hash[4], hash[5], hash[6], hash[7])
        for index in 0..<64 {
          let high = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
          let choice = e & f ^ ~e & g
          let first = h &+ high &+ choice &+ UInt32(constants[index] >> 32) &+ schedule[index]
          let low = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
          let second = low &+ (a & b ^ a & c ^ b & c)
          (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
        }
        for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { hash[index] &+= word }
      }
    }
    for word in hash.prefix(words) { result.append(bigEndian: word) }
  }

  private static func appendDigest64(_ bytes: ByteView, _ initial: [UInt64], words: Int, to result: inout [UInt8]) {
    var hash = initial
    var schedule = [UInt64](repeating: 0, count: 80)
    let message = padded(bytes, block: 128)
    message.withByteView { message in
      for block in stride(from: 0, to: message.count, by: 128) {
        for index in 0..<16 { schedule[index] = UInt64(bigEndian: message.load(at: block + 8 * index)) }
        for index in 16..<80 {
          let (x, y) = (schedule[index - 15], schedule[index - 2])
          let low = rotated(x, 1) ^ rotated(x, 8) ^ x >> 7
          let high = rotated(y, 19) ^ rotated(y, 61) ^ y >> 6
          schedule[index] = schedule[index - 16] &+ low &+ schedule[index - 7] &+ high
        }
        var (a, b, c, d) = (hash[0], hash[1], hash[2], hash[3])
        var (e, f, g, h) = (hash[4], hash[5], hash[6], hash[7])
        for index in 0..<80 {
          let high = rotated(e, 14) ^ rotated(e, 18) ^ rotated(e, 41)
          let choice = e & f ^ ~e & g
          let first = h &+ high &+ choice &+ constants[index] &+ schedule[index]
          let low = rotated(a, 28) ^ rotated(a, 34) ^ rotated(a, 39)
          let second = low &+ (a & b ^ a & c ^ b & c)
          (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
        }
        for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { hash[index] &+= word }
      }
    }
    for word in hash.prefix(words) { result.append(bigEndian: word) }
  }

  /// A number of 256 bits, as far as finding the constants needs it.
  private struct WideNumber {
    private var words: [UInt64]

    init(_ low: UInt64) { words = [low, 0, 0, 0] }

    var lowWord: UInt64 { words[0] }

    func setting(_ bit: Int) -> WideNumber {
      var result = self
      result.words[bit / 64] |= 1 << UInt64(bit % 64)
      return result
    }

    func shifted(left bits: Int) -> WideNumber {
      var result = WideNumber(0)
      for index in 0..<4 - bits / 64 { result.words[index + bits / 64] = words[index] }
      return result
    }

    func times(_ other: WideNumber) -> WideNumber {
      var result = WideNumber(0)
      for i in 0..<4 {
        var carry: UInt64 = 0
        for j in 0..<4 - i {
          let (high, low) = words[i].multipliedFullWidth(by: other.words[j])
          let (first, overflowsFirst) = result.words[i + j].addingReportingOverflow(low)
          let (second, overflowsSecond) = first.addingReportingOverflow(carry)
          result.words[i + j] = second
          carry = high &+ (overflowsFirst ? 1 : 0) &+ (overflowsSecond ? 1 : 0)
        }
      }
      return result
    }

    static func < (a: WideNumber, b: WideNumber) -> Bool {
      for index in stride(from: 3, through: 0, by: -1) where a.words[index] != b.words[index] {
        return a.words[index] < b.words[index]
      }
      return false
    }
  }
}
