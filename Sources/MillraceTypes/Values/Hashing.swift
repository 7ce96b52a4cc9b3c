/// PostgreSQL's hash functions (src/common/hashfn.c), after Bob Jenkins's lookup3 of 2006.
///
/// They decide in which partition a row is and where it stands in a hash index, so the values are part of the format.
/// Bytes are taken as a little-endian machine does.
public enum Hashing {
  @frozen @usableFromInline struct State {
    @usableFromInline var a: UInt32
    @usableFromInline var b: UInt32
    @usableFromInline var c: UInt32

    @inlinable init(count: Int) {
      a = 0x9E37_79B9 &+ UInt32(truncatingIfNeeded: count) &+ 3_923_095
      b = a
      c = a
    }

    @inlinable mutating func seed(_ seed: UInt64) {
      if seed == 0 { return }
      a &+= UInt32(truncatingIfNeeded: seed >> 32)
      b &+= UInt32(truncatingIfNeeded: seed)
      mix()
    }

    @inlinable static func rotate(_ word: UInt32, _ by: UInt32) -> UInt32 { word << by | word >> (32 - by) }

    @inlinable mutating func mix() {
      a &-= c; a ^= Self.rotate(c, 4); c &+= b
      b &-= a; b ^= Self.rotate(a, 6); a &+= c
      c &-= b; c ^= Self.rotate(b, 8); b &+= a
      a &-= c; a ^= Self.rotate(c, 16); c &+= b
      b &-= a; b ^= Self.rotate(a, 19); a &+= c
      c &-= b; c ^= Self.rotate(b, 4); b &+= a
    }

    @inlinable mutating func finish() {
      c ^= b; c &-= Self.rotate(b, 14)
      a ^= c; a &-= Self.rotate(c, 11)
      b ^= a; b &-= Self.rotate(a, 25)
      c ^= b; c &-= Self.rotate(b, 16)
      a ^= c; a &-= Self.rotate(c, 4)
      b ^= a; b &-= Self.rotate(a, 14)
      c ^= b; c &-= Self.rotate(b, 24)
    }

    @inlinable var extended: UInt64 { UInt64(b) << 32 | UInt64(c) }
  }

  @usableFromInline static func run(_ bytes: ByteView, _ state: inout State) {
    var at = 0
    var left = bytes.count
    while left >= 12 {
      state.a &+= bytes.load(at: at, as: UInt32.self)
      state.b &+= bytes.load(at: at + 4, as: UInt32.self)
      state.c &+= bytes.load(at: at + 8, as: UInt32.self)
      state.mix()
      at += 12
      left -= 12
    }
    // The lowest byte of c stands for the length, which was added at the start.
    for index in 0..<left {
      let byte = UInt32(bytes[at + index])
      switch index {
      case 0..<4: state.a &+= byte << UInt32(8 * index)
      case 4..<8: state.b &+= byte << UInt32(8 * (index - 4))
      default: state.c &+= byte << UInt32(8 * (index - 7))
      }
    }
    state.finish()
  }

  /// `hash_bytes`, that is `hash_any`.
  public static func bytes(_ bytes: ByteView) -> UInt32 {
    var state = State(count: bytes.count)
    run(bytes, &state)
    return state.c
  }

  /// `hash_bytes_extended`.
  public static func bytes(_ bytes: ByteView, seed: UInt64) -> UInt64 {
    var state = State(count: bytes.count)
    state.seed(seed)
    run(bytes, &state)
    return state.extended
  }

  /// `hash_bytes_uint32`.
  @inlinable public static func word(_ word: UInt32) -> UInt32 {
    var state = State(count: 4)
    state.a &+= word
    state.finish()
    return state.c
  }

  /// `hash_bytes_uint32_extended`.
  @inlinable public static func word(_ word: UInt32, seed: UInt64) -> UInt64 {
    var state = State(count: 4)
    state.seed(seed)
    state.a &+= word
    state.finish()
    return state.extended
  }

  /// `hashint8`'s way to 32 bits: equal values of int2, int4 and int8 hash alike.
  @inlinable static func fold(_ value: Int64) -> UInt32 {
    let low = UInt32(truncatingIfNeeded: value)
    let high = UInt32(truncatingIfNeeded: value >> 32)
    return low ^ (value >= 0 ? high : ~high)
  }

  /// `hash_combine`.
  @inlinable public static func combine(_ hash: UInt32, _ other: UInt32) -> UInt32 {
    hash ^ (other &+ 0x9E37_79B9 &+ hash << 6 &+ hash >> 2)
  }
}
