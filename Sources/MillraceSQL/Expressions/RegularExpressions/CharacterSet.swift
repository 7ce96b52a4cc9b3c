/// Characters that one place of a regular expression takes. Classes and cases are those of the C locale: of ASCII.
struct CharacterSet: Equatable {
  private var low: UInt64 = 0
  private var high: UInt64 = 0
  /// Beyond ASCII.
  private var ranges: [ClosedRange<UInt32>] = []
  /// Whether all characters beyond ASCII but those of ``ranges`` are in it.
  private var isComplement = false

  static let all: CharacterSet = {
    var set = CharacterSet()
    (set.low, set.high, set.isComplement) = (.max, .max, true)
    return set
  }()
  static let digits = CharacterSet(0x30...0x39)
  static let spaces: CharacterSet = {
    var set = CharacterSet(9...13)
    set.insert(0x20...0x20)
    return set
  }()
  static let word: CharacterSet = {
    var set = alphanumeric
    set.insert(0x5F...0x5F)
    return set
  }()
  private static let alphanumeric: CharacterSet = {
    var set = digits
    set.insert(0x41...0x5A)
    set.insert(0x61...0x7A)
    return set
  }()

  init() {}
  init(_ range: ClosedRange<UInt32>) { insert(range) }

  /// `[:alpha:]` and the like; nil where there is no such class.
  init?(named name: String) {
    self.init()
    switch name {
    case "alnum": self = Self.alphanumeric
    case "alpha":
      insert(0x41...0x5A)
      insert(0x61...0x7A)
    case "digit": self = Self.digits
    case "space": self = Self.spaces
    case "word": self = Self.word
    case "upper": insert(0x41...0x5A)
    case "lower": insert(0x61...0x7A)
    case "punct":
      for range: ClosedRange<UInt32> in [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E] { insert(range) }
    case "blank":
      insert(0x20...0x20)
      insert(9...9)
    case "cntrl":
      insert(0...0x1F)
      insert(0x7F...0x7F)
    case "graph": insert(0x21...0x7E)
    case "print": insert(0x20...0x7E)
    case "xdigit":
      self = Self.digits
      insert(0x41...0x46)
      insert(0x61...0x66)
    case "ascii": insert(0...0x7F)
    default: return nil
    }
  }

  @inline(__always) func contains(_ character: UInt32) -> Bool {
    if character < 64 { return low >> UInt64(character) & 1 != 0 }
    if character < 128 { return high >> UInt64(character - 64) & 1 != 0 }
    if ranges.isEmpty { return isComplement }
    return ranges.contains { $0.contains(character) } != isComplement
  }

  mutating func insert(_ range: ClosedRange<UInt32>) {
    var character = range.lowerBound
    while character <= range.upperBound, character < 128 {
      if character < 64 { low |= 1 << UInt64(character) } else { high |= 1 << UInt64(character - 64) }
      character += 1
    }
    if range.upperBound >= 128 { ranges.append(max(range.lowerBound, 128)...range.upperBound) }
  }

  mutating func remove(_ character: UInt32) {
    precondition(character < 64, "only control characters and digits are taken out of a set")
    low &= ~(1 << UInt64(character))
  }

  mutating func formUnion(_ other: CharacterSet) {
    low |= other.low
    high |= other.high
    if other.isComplement {
      // Whatever is beyond ASCII and written out is in one of them then.
      if !isComplement { (isComplement, ranges) = (true, other.ranges.filter { !ranges.contains($0) }) }
    } else if !isComplement {
      ranges += other.ranges
    }
  }

  var inverted: CharacterSet {
    var set = self
    (set.low, set.high, set.isComplement) = (~low, ~high, !isComplement)
    return set
  }

  /// With the other case of each letter.
  var ignoringCase: CharacterSet {
    var set = self
    let letters: UInt64 = 0x07FF_FFFE
    let upper = high & letters
    let lower = high >> 32 & letters
    set.high |= upper << 32 | lower
    return set
  }

  /// Bits of its ASCII characters.
  var ascii: (low: UInt64, high: UInt64) { (low, high) }
}
