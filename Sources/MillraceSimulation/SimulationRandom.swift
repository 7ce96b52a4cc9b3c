import MillraceIO

/// The one source of chance in a simulation: a sequence of numbers that its seed determines, on every machine and in
/// every release of Swift. Integers only, and not a `RandomNumberGenerator`, whose users in the standard library may
/// change what they draw.
///
/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
public struct SimulationRandom: Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  /// A number from 0 to below `bound`, all equally likely (Lemire: Fast Random Integer Generation in an Interval,
  /// 2019).
  /// - Parameter bound: at least 1.
  public mutating func below(_ bound: Int) -> Int {
    requireUse(bound > 0, "a random number of no range was asked for")
    let width = UInt64(bound)
    var product = next().multipliedFullWidth(by: width)
    if product.low < width {
      let threshold = (0 &- width) % width
      while product.low < threshold { product = next().multipliedFullWidth(by: width) }
    }
    return Int(product.high)
  }

  /// A number of a range.
  public mutating func number(in range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.upperBound - range.lowerBound + 1)
  }

  /// True in `part` of `whole` cases.
  public mutating func chance(_ part: Int, in whole: Int) -> Bool { below(whole) < part }

  /// True in one of `count` cases; never for 0.
  public mutating func oneIn(_ count: UInt32) -> Bool { count > 0 && below(Int(count)) == 0 }

  /// One of the elements.
  /// - Parameter elements: at least one.
  public mutating func element<Elements: RandomAccessCollection>(of elements: Elements) -> Elements.Element {
    elements[elements.index(elements.startIndex, offsetBy: below(elements.count))]
  }

  /// Puts elements into a random order (Fisher and Yates).
  public mutating func permute<Element>(_ elements: inout [Element]) {
    for last in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(last, below(last + 1)) }
  }

  /// A generator whose numbers have nothing to do with the rest of this one's, so that one part of a simulation can
  /// draw more without changing what happens in another.
  public mutating func split() -> SimulationRandom { SimulationRandom(seed: next()) }
}
