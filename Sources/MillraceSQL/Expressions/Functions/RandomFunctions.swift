import MillraceEngine
import MillraceTypes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Bits that nobody can foretell, from the system.
private enum SystemEntropy {
  static func word() -> UInt64 {
    var word: UInt64 = 0
    // It fails only for more bytes than these.
    _ = getentropy(&word, MemoryLayout<UInt64>.size)
    return word
  }
}

/// A session's random numbers: xoroshiro128** (Blackman and Vigna, 2018), as PostgreSQL's pg_prng.c has it, so that the
/// same seed gives the same numbers.
final class RandomNumbers {
  private var (first, second): (UInt64, UInt64)

  init() {
    (first, second) = (SystemEntropy.word(), SystemEntropy.word() | 1)
  }

  private init(first: UInt64, second: UInt64) { (self.first, self.second) = (first, second) }

  /// `setseed`: from a number between -1 and 1.
  func seed(_ value: Double) {
    let scaled = ((Double(UInt64(1) << 52) - 1) * value).rounded(.toNearestOrEven)
    var state = UInt64(bitPattern: Int64(scaled))
    func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = state
      word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
      return word ^ word >> 31
    }
    (first, second) = (next(), next())
    if first == 0, second == 0 { (first, second) = (0x5851_F42D_4C95_7F2D, 0x1405_7B7E_F767_814F) }
  }

  func next() -> UInt64 {
    func rotated(_ word: UInt64, _ by: UInt64) -> UInt64 { word << by | word >> (64 - by) }
    let (a, mixed) = (first, second ^ first)
    let value = rotated(a &* 5, 7) &* 9
    first = rotated(a, 24) ^ mixed ^ mixed << 16
    second = rotated(mixed, 37)
    return value
  }

  /// At least 0 and less than 1.
  func double() -> Double { Double(next() >> 12) / Double(UInt64(1) << 52) }

  /// Both ends included.
  func integer(_ low: Int64, _ high: Int64) -> Int64 {
    let range = UInt64(bitPattern: high &- low)
    guard range > 0 else { return low }
    // As many bits as the range has, again until they are within it.
    let shift = UInt64(range.leadingZeroBitCount)
    var value: UInt64
    repeat { value = next() >> shift } while value > range
    return low &+ Int64(bitPattern: value)
  }

  /// Of the standard normal distribution, by Box and Muller.
  func normal() -> Double {
    let (u, v) = (1 - double(), 1 - double())
    return (-2 * log(u)).squareRoot() * sin(2 * Double.pi * v)
  }
}

extension CallFrame {
  /// The random numbers of the session that runs the statement.
  fileprivate var random: RandomNumbers {
    if let known = memory as? RandomNumbers { return known }
    let made = context.session.functionMemory as? RandomNumbers ?? RandomNumbers()
    context.session.functionMemory = made
    memory = made
    return made
  }
}

extension FunctionRegistry {
  mutating func addRandomNumbers() {
    scalar("drandom") { call in Datum(call.random.double()) }
    scalar("drandom_normal") { call in Datum(call[0].float8 + call[1].float8 * call.random.normal()) }
    scalar("int4random") { (call) throws(TypeError) in
      let (low, high) = (call[0].int32, call[1].int32)
      try Self.checkBounds(low <= high)
      return Datum(Int32(call.random.integer(Int64(low), Int64(high))))
    }
    scalar("int8random") { (call) throws(TypeError) in
      try Self.checkBounds(call[0].int64 <= call[1].int64)
      return Datum(call.random.integer(call[0].int64, call[1].int64))
    }
    scalar("setseed") { (call) throws(TypeError) in
      let seed = call[0].float8
      guard -1...1 ~= seed else {
        var shown: [UInt8] = []
        TypeDescriptor.float8.output(call[0], TypeSettings(), &shown)
        throw TypeError(
          .invalidParameterValue,
          "setseed parameter \(String(decoding: shown, as: UTF8.self)) is out of allowed range [-1,1]")
      }
      call.random.seed(seed)
      return Datum(word: 0)
    }
    scalar("gen_random_uuid") { call in
      UUIDBytes.make(SystemEntropy.word(), SystemEntropy.word(), version: 4, call.arena)
    }
    scalar("uuidv7") { call in
      let (milliseconds, fraction) = SystemClock.unixTime()
      let high = milliseconds << 16 | fraction & 0xFFF
      return UUIDBytes.make(high, SystemEntropy.word(), version: 7, call.arena)
    }
    scalar("uuid_extract_version") { call in
      let bytes = call.text(0)
      return bytes[8] & 0xC0 == 0x80 ? Datum(Int16(bytes[6] >> 4)) : nil
    }
  }

  private static func checkBounds(_ areOrdered: Bool) throws(TypeError) {
    if !areOrdered {
      throw TypeError(.invalidParameterValue, "lower bound must be less than or equal to upper bound")
    }
  }
}

/// UUIDs as RFC 9562 lays them out.
private enum UUIDBytes {
  static func make(_ high: UInt64, _ low: UInt64, version: UInt64, _ arena: Arena) -> Datum {
    arena.make { (bytes: inout [UInt8]) in
      bytes.append(bigEndian: high & ~0xF000 | version << 12)
      bytes.append(bigEndian: low & (.max >> 2) | 1 << 63)
    }
  }
}

/// What time it is.
enum SystemClock {
  /// Microseconds since 2000.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let epoch: Int64 = 946_684_800
    return (Int64(time.tv_sec) - epoch) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }

  /// Milliseconds since 1970, and what is left as a fraction of 4096.
  static func unixTime() -> (milliseconds: UInt64, fraction: UInt64) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let nanoseconds = UInt64(time.tv_nsec)
    return (
      UInt64(time.tv_sec) * 1000 + nanoseconds / 1_000_000, nanoseconds % 1_000_000 * 4096 / 1_000_000
    )
  }
}
