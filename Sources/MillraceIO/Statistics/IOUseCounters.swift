package import Synchronization

/// The counters of one backend for `pg_stat_io`: for each ``IOUse`` each ``IOUseCount``. Written by its thread alone,
/// with plain loads and stores; read by anyone.
package struct IOUseCounters: @unchecked Sendable {
  // Safe because the words are atomic, and the backend that owns them outlives those who read them (see
  // ``IOEngine/useStatistics()``).

  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  static let wordCount = IOUse.allCases.count * IOUseCount.allCases.count

  init() {
    words = .allocate(capacity: Self.wordCount)
    for index in 0..<Self.wordCount { (words + index).initialize(to: Atomic(0)) }
  }

  func deallocate() {
    words.deinitialize(count: Self.wordCount)
    words.deallocate()
  }

  @inline(__always) package func add(_ use: IOUse, _ count: IOUseCount, _ amount: UInt64 = 1) {
    word(use, count).pointee.ownerAdd(amount)
  }

  /// Where something is counted; the owner's alone to write to.
  @inline(__always) package func word(_ use: IOUse, _ count: IOUseCount) -> UnsafeMutablePointer<Atomic<UInt64>> {
    words + (Int(use.rawValue) * IOUseCount.allCases.count + count.rawValue)
  }

  /// Adds all that has been counted.
  func addAll(to sums: inout [UInt64], from first: Int) {
    for index in 0..<Self.wordCount { sums[first + index] += words[index].relaxed }
  }
}

/// The sums of all kinds of backends.
struct IOUseSums {
  var words = [UInt64](repeating: 0, count: IOBackendKind.allCases.count * IOUseCounters.wordCount)

  mutating func add(_ counters: IOUseCounters, of kind: IOBackendKind) {
    counters.addAll(to: &words, from: Int(kind.rawValue) * IOUseCounters.wordCount)
  }

  func statistics(_ kind: IOBackendKind, _ use: IOUse) -> IOUseStatistics {
    let width = IOUseCount.allCases.count
    let first = Int(kind.rawValue) * IOUseCounters.wordCount + Int(use.rawValue) * width
    return IOUseStatistics(kind, use, Array(words[first..<first + width]))
  }
}

extension IOEngine {
  /// What all backends have done so far, those that have gone included, by kind and use.
  public func useStatistics() -> [IOUseStatistics] {
    let sums = useSums()
    return IOBackendKind.allCases.flatMap { kind in IOUse.allCases.map { sums.statistics(kind, $0) } }
  }

  /// The sum of a count over some uses, of all backends.
  package func total(_ count: IOUseCount, of uses: [IOUse]) -> UInt64 {
    let sums = useSums()
    return IOBackendKind.allCases.reduce(0) { total, kind in
      total + uses.reduce(0) { $0 + sums.statistics(kind, $1).counts[count.rawValue] }
    }
  }
}
