import Foundation

/// SplitMix64 (Steele, Lea and Flood, 2014): the tests' source of random numbers. The same seed gives the same test.
package struct SeededGenerator: RandomNumberGenerator {
  package let seed: UInt64
  private var state: UInt64

  package init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  /// Seeded from the environment variable `MILLRACE_SEED`, or with 1. The seed is printed with the test's name.
  package init(for test: String) {
    let seed = ProcessInfo.processInfo.environment["MILLRACE_SEED"].flatMap(UInt64.init) ?? 1
    print("\(test): MILLRACE_SEED=\(seed)")
    self.init(seed: seed)
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  /// A number in `0..<limit`. The slight bias does not matter here.
  package mutating func below(_ limit: Int) -> Int {
    Int(next() % UInt64(limit))
  }

  package mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 56) }
  }
}
