import MillraceTypes

/// Finds out about a column from a sample of its table's rows: PostgreSQL's compute_scalar_stats,
/// compute_distinct_stats and compute_trivial_stats (src/backend/commands/analyze.c).
struct ColumnAnalysis {
  /// The sample's values that are neither null nor too wide, in the order of their rows.
  var values: [Datum] = []
  /// Of the sample, nulls included.
  var rows = 0
  var nulls = 0
  /// Values too wide to be looked at: above ``widthMax``. Taken to be all different.
  var tooWide = 0
  /// Bytes of all values that are not null, as stored.
  var totalWidth = 0.0
  /// Rows of the whole table, as estimated.
  var tableRows = 0.0
  /// How many most common values, and parts of a histogram, are kept: `default_statistics_target`.
  var target = 100

  /// `WIDTH_THRESHOLD`.
  static let widthMax = 1024

  private var present: Int { rows - nulls }

  /// A value that several rows of the sample have.
  private struct Repeated {
    var count: Int
    /// The first of the equal values.
    var first: Int
  }

  // MARK: What all types have

  /// - Parameter length: the type's; negative where it varies.
  func findings(_ type: TypeDescriptor?, length: Int16) -> ColumnFindings? {
    guard rows > 0 else { return nil }
    var findings = ColumnFindings()
    findings.nullFraction = Float(Double(nulls) / Double(rows))
    if length >= 0 {
      findings.width = Int32(length)
    } else if present > 0 {
      findings.width = Int32(totalWidth / Double(present))
    }
    guard present > 0 else { return findings }
    if let compare = type?.compare {
      if values.isEmpty { findings.distinctCount = -(1 - findings.nullFraction) } else { add(compare, to: &findings) }
    } else if let equal = type?.equal {
      if values.isEmpty { findings.distinctCount = -(1 - findings.nullFraction) } else { add(equal, to: &findings) }
    }
    return findings
  }

  // MARK: Types with an order

  private func add(_ compare: TypeDescriptor.Comparison, to findings: inout ColumnFindings) {
    let order = values.indices.sorted { left, right in
      let result = compare(values[left], values[right])
      return result == 0 ? left < right : result < 0
    }
    var repeated: [Repeated] = []
    var (distinct, multiple, start) = (0, 0, 0)
    var products = 0.0
    for (position, place) in order.enumerated() {
      products += Double(position) * Double(place)
      if position + 1 < order.count, compare(values[place], values[order[position + 1]]) == 0 { continue }
      let count = position + 1 - start
      distinct += 1
      if count > 1 {
        multiple += 1
        Self.note(Repeated(count: count, first: start), in: &repeated, max: target)
      }
      start = position + 1
    }
    findings.distinctCount = distinctCount(
      distinct: distinct, multiple: multiple, isComplete: multiple == distinct, findings.nullFraction)
    let isAll = repeated.count == distinct && tooWide == 0 && findings.distinctCount > 0
    let kept = isAll ? repeated : Array(repeated.prefix(commonCount(repeated.map(\.count), findings)))
    findings.commonValues = kept.map { values[order[$0.first]] }
    findings.commonFrequencies = kept.map { Float(Double($0.count) / Double(rows)) }
    findings.histogramBounds = bounds(order, without: kept, distinct: distinct - kept.count)
    if values.count > 1 { findings.correlation = Self.correlation(values.count, products) }
  }

  /// Keeps the most common, the most common first; of those equally common the first ones.
  private static func note(_ value: Repeated, in list: inout [Repeated], max: Int) {
    if list.count == max {
      guard let last = list.last, value.count > last.count else { return }
      list.removeLast()
    }
    let place = list.lastIndex { $0.count >= value.count }.map { $0 + 1 } ?? 0
    list.insert(value, at: place)
  }

  /// `stadistinct`: the estimator of Haas and Stokes, "Estimating the number of classes in a finite population" (1998),
  /// called Duj1 there.
  /// - Parameters:
  ///   - distinct: different values in the sample, without those too wide; `multiple` of them more than once.
  ///   - isComplete: whether the sample seems to have all values of the table.
  private func distinctCount(distinct: Int, multiple: Int, isComplete: Bool, _ nullFraction: Float) -> Float {
    var count: Double
    if multiple == 0 {
      return -(1 - nullFraction)
    } else if tooWide == 0, isComplete {
      count = Double(distinct)
    } else {
      let once = Double(distinct - multiple + tooWide)
      let all = once + Double(multiple)
      let sampled = Double(present)
      let population = tableRows * (1 - Double(nullFraction))
      count = population > 0 ? sampled * all / (sampled - once + once * sampled / population) : 0
      count = (max(min(count, population), all) + 0.5).rounded(.down)
    }
    if count > 0.1 * tableRows { count = -(count / tableRows) }
    return Float(count)
  }

  /// How many of the most common values are worth keeping: those that are surely more common than what would be taken
  /// for them otherwise (analyze_mcv_list).
  /// - Parameter counts: in the sample, falling.
  private func commonCount(_ counts: [Int], _ findings: ColumnFindings) -> Int {
    guard Double(rows) != tableRows, tableRows > 1 else { return counts.count }
    var distinct = Double(findings.distinctCount)
    if distinct < 0 { distinct *= -tableRows }
    var kept = counts.count
    var before = counts.dropLast().reduce(0, +)
    while kept > 0 {
      var selectivity = min(max(1 - Double(before) / Double(rows) - Double(findings.nullFraction), 0), 1)
      let others = distinct - Double(kept - 1)
      if others > 1 { selectivity /= others }
      // How often it would be found in such a sample follows the hypergeometric distribution.
      let (population, sampled) = (tableRows, Double(rows))
      let members = population * Double(counts[kept - 1]) / sampled
      let variance =
        sampled * members * (population - members) * (population - sampled)
        / (population * population * (population - 1))
      if Double(counts[kept - 1]) > selectivity * sampled + 2 * variance.squareRoot() + 0.5 { break }
      kept -= 1
      if kept > 0 { before -= counts[kept - 1] }
    }
    return kept
  }

  private func bounds(_ order: [Int], without common: [Repeated], distinct: Int) -> [Datum] {
    let count = min(distinct, target + 1)
    guard count >= 2 else { return [] }
    var rest: [Int] = []
    rest.reserveCapacity(order.count)
    var next = 0
    for group in common.sorted(by: { $0.first < $1.first }) {
      rest += order[next..<group.first]
      next = group.first + group.count
    }
    rest += order[next...]
    // In whole numbers, so that nothing is lost where both are large.
    return (0..<count).map { values[rest[$0 * (rest.count - 1) / (count - 1)]] }
  }

  /// Of positions from 0 to below `count` and as many places.
  private static func correlation(_ count: Int, _ products: Double) -> Float {
    let count = Double(count)
    let sum = (count - 1) * count / 2
    let squares = (count - 1) * count * (2 * count - 1) / 6
    return Float((count * products - sum * sum) / (count * squares - sum * sum))
  }

  // MARK: Types that can only be compared

  private func add(_ equal: TypeDescriptor.Equality, to findings: inout ColumnFindings) {
    let limit = max(2 * target, 10)
    // As many as there is room for, the most common first; of those found once the newest first.
    var tracked: [Repeated] = []
    for (place, value) in values.enumerated() {
      if let known = tracked.firstIndex(where: { equal(value, values[$0.first]) }) {
        tracked[known].count += 1
        var position = known
        while position > 0, tracked[position - 1].count < tracked[position].count {
          tracked.swapAt(position - 1, position)
          position -= 1
        }
        continue
      }
      let firstSingle = tracked.firstIndex { $0.count == 1 } ?? tracked.count
      guard firstSingle < limit else { continue }
      if tracked.count == limit { tracked.removeLast() }
      tracked.insert(Repeated(count: 1, first: place), at: firstSingle)
    }
    let repeated = Array(tracked.prefix { $0.count > 1 })
    let inRepeated = repeated.reduce(0) { $0 + $1.count }
    let isComplete = tracked.count < limit && repeated.count == tracked.count
    findings.distinctCount = distinctCount(
      distinct: isComplete ? repeated.count : present - inRepeated - tooWide + repeated.count,
      multiple: repeated.count, isComplete: isComplete, findings.nullFraction)
    let isAll =
      isComplete && tooWide == 0 && findings.distinctCount > 0 && repeated.count <= target
    let candidates = Array(repeated.prefix(target))
    let kept = isAll ? candidates : Array(candidates.prefix(commonCount(candidates.map(\.count), findings)))
    findings.commonValues = kept.map { values[$0.first] }
    findings.commonFrequencies = kept.map { Float(Double($0.count) / Double(rows)) }
  }
}
