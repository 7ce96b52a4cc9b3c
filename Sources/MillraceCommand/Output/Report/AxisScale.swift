import Foundation

/// How numbers become positions along an axis.
enum AxisScale: Equatable {
  case linear
  /// Equal distances for equal ratios. Numbers that are not above zero have no position.
  case logarithmic
  /// Percentiles by their number of nines: 90, 99 and 99.9 are at equal distances. 100 stands one step behind the
  /// last one, as its own position is infinitely far away.
  case percentile

  /// The number on the axis' own measure; nil if it has no position.
  private func measure(_ value: Double) -> Double? {
    guard value.isFinite else { return nil }
    switch self {
    case .linear: return value
    case .logarithmic: return value > 0 ? log10(value) : nil
    case .percentile:
      guard (0...100).contains(value) else { return nil }
      return value == 100 ? .infinity : -log10(1 - value / 100)
    }
  }

  /// Functions from numbers to 0…1 that cover `values`, for one axis. Nil for a number without a position.
  func positions(covering values: [Double]) -> (Double) -> Double? {
    let measures = values.compactMap(measure)
    let finite = measures.filter(\.isFinite)
    let lower = finite.min() ?? 0
    let hasEnd = measures.contains(.infinity)
    let end = (finite.max() ?? 0) + (hasEnd ? 1 : 0)
    let span = end - lower
    return { value in
      guard let measure = measure(value) else { return nil }
      // A single number stands in the middle.
      guard span > 0 else { return 0.5 }
      return (min(measure, end) - lower) / span
    }
  }

  /// Round numbers that cover `values` from at or below the smallest to at or above the largest, for the labels.
  func ticks(covering values: [Double]) -> [Double] {
    let usable = values.filter { measure($0) != nil }
    guard let smallest = usable.min(), let largest = usable.max() else { return [] }
    switch self {
    case .linear: return Self.linearTicks(upTo: max(largest, 0))
    case .logarithmic: return Self.logarithmicTicks(from: smallest, to: largest)
    case .percentile: return Array(Set(usable)).sorted()
    }
  }

  /// From zero in four to eight steps of 1, 2 or 5 times a power of ten.
  private static func linearTicks(upTo largest: Double) -> [Double] {
    guard largest > 0 else { return [0, 1] }
    let rough = pow(10, log10(largest / 4).rounded(.down))
    let step = [5.0, 2, 1].map { $0 * rough }.first { $0 * 4 <= largest } ?? rough
    return (0...Int((largest / step).rounded(.up))).map { Double($0) * step }
  }

  /// Powers of ten; with 2 and 5 times them between where they would be few.
  private static func logarithmicTicks(from smallest: Double, to largest: Double) -> [Double] {
    let exponents = Int(log10(smallest).rounded(.down))...Int(log10(largest).rounded(.up))
    let factors: [Double] = exponents.count > 3 ? [1] : [1, 2, 5]
    let all = exponents.flatMap { exponent in factors.map { $0 * pow(10, Double(exponent)) } }
    let first = all.last { $0 <= smallest * 1.000001 } ?? smallest
    let last = all.first { $0 >= largest * 0.999999 } ?? largest
    return all.filter { (first...max(first, last)).contains($0) }
  }
}
