/// Horizontal bars in groups, each labelled with its value.
///
/// The usual use: a group for each I/O method, a bar each for buffered and direct, one chart for cold and one for warm.
struct BarChart {
  struct Bar {
    let label: String
    /// Nil if there is no result.
    let value: Double?
    /// Smallest and largest of several runs, drawn as a thin line.
    let spread: ClosedRange<Double>?
    /// Why there is no result, if so, in a few words: they stand where the bar would be.
    let remark: String

    init(_ label: String, _ value: Double, spread: ClosedRange<Double>? = nil) {
      self.label = label
      self.value = value
      self.spread = spread
      remark = ""
    }

    /// A bar that could not be measured.
    init(_ label: String, missing remark: String) {
      self.label = label
      value = nil
      spread = nil
      self.remark = remark
    }
  }

  struct Group {
    let label: String
    let bars: [Bar]

    init(_ label: String, _ bars: [Bar]) {
      self.label = label
      self.bars = bars
    }
  }

  let title: String
  let format: ValueFormat
  let groups: [Group]
  /// The value at which a bar has its full length; nil takes the largest of this chart. Give charts side by side one
  /// scale if they are to be compared.
  let scaleMaximum: Double?

  init(_ title: String, _ format: ValueFormat, scaleMaximum: Double? = nil, groups: [Group]) {
    self.title = title
    self.format = format
    self.scaleMaximum = scaleMaximum
    self.groups = groups
  }

  /// Where one bar is: vertical distances in pixels, horizontal ones as parts of the chart's width.
  struct Placement: Equatable {
    let group: Int
    let bar: Int
    let top: Double
    /// Zero if there is no result or it is not above zero.
    let width: Double
    let spread: ClosedRange<Double>?
  }

  /// Everything that drawing needs to know.
  struct Layout: Equatable {
    let height: Double
    /// The vertical position of each group's label.
    let labelTops: [Double]
    let placements: [Placement]
  }

  static let barHeight = 15.0
  /// The part of the width that the longest bar takes; the rest is for the label behind it.
  static let longestBar = 0.52

  private static let barPitch = 21.0
  private static let labelHeight = 21.0
  private static let groupGap = 12.0

  func layout() -> Layout {
    let values = groups.flatMap(\.bars).flatMap { [$0.value, $0.spread?.upperBound] }
    let largest = values.compactMap { $0 }.filter(\.isFinite).max() ?? 0
    let maximum = scaleMaximum ?? largest
    func part(_ value: Double) -> Double {
      guard maximum > 0, value.isFinite else { return 0 }
      return min(1, max(0, value / maximum)) * Self.longestBar
    }
    var top = 0.0
    var labelTops: [Double] = []
    var placements: [Placement] = []
    for (groupIndex, group) in groups.enumerated() {
      labelTops.append(top)
      top += Self.labelHeight
      for (barIndex, bar) in group.bars.enumerated() {
        let spread = bar.spread.map { part($0.lowerBound)...part($0.upperBound) }
        placements.append(
          Placement(group: groupIndex, bar: barIndex, top: top, width: part(bar.value ?? 0), spread: spread))
        top += Self.barPitch
      }
      top += Self.groupGap
    }
    return Layout(height: max(0, top - Self.groupGap), labelTops: labelTops, placements: placements)
  }
}
