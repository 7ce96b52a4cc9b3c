/// Lines over two axes, each labelled at its end.
///
/// The usual use: latency by percentile, a line for each I/O method, latency on a logarithmic axis.
struct LineChart {
  struct Series {
    let label: String
    let points: [(x: Double, y: Double)]

    init(_ label: String, _ points: [(x: Double, y: Double)]) {
      self.label = label
      self.points = points
    }
  }

  struct Axis {
    let title: String
    let scale: AxisScale
    let format: ValueFormat
  }

  let title: String
  let horizontal: Axis
  let vertical: Axis
  let series: [Series]

  /// Latency by percentile, both axes logarithmic in their way.
  ///
  /// - Parameter series: Points of percentile (0 to 100; 100 is the maximum) and microseconds.
  static func latencies(_ title: String, _ series: [Series]) -> LineChart {
    LineChart(
      title: title, horizontal: Axis(title: "percentile", scale: .percentile, format: .percentile),
      vertical: Axis(title: "latency", scale: .logarithmic, format: .microseconds), series: series)
  }

  /// A position: `x` as a part of the chart's width, `y` in pixels from its top.
  struct Position: Equatable {
    let x: Double
    let y: Double
  }

  struct Tick: Equatable {
    let text: String
    let position: Double
    /// So near to the mark before it that both have room on a wide screen only.
    var isDense = false
  }

  /// Everything that drawing needs to know. Points without a position (zero on a logarithmic axis) are left out.
  struct Layout: Equatable {
    let horizontalTicks: [Tick]
    let verticalTicks: [Tick]
    /// For each series its points, each with the index of the point in the series.
    let lines: [[(index: Int, position: Position)]]
    /// For each series the vertical position of its label, or nil if it has no points.
    let labels: [Double?]

    static func == (left: Self, right: Self) -> Bool {
      left.horizontalTicks == right.horizontalTicks && left.verticalTicks == right.verticalTicks
        && left.lines.map { $0.map(\.position) } == right.lines.map { $0.map(\.position) }
        && left.labels == right.labels
    }
  }

  /// Where the lines begin and end, as parts of the width; to the left are the marks of the vertical axis and to the
  /// right the labels of the lines.
  static let plotLeft = 0.09
  static let plotRight = 0.76
  static let plotTop = 42.0
  static let plotHeight = 260.0
  static let height = plotTop + plotHeight + 40
  private static let labelPitch = 17.0
  /// The part of the width that a mark of the horizontal axis needs on a phone.
  private static let tickPitch = 0.1

  func layout() -> Layout {
    let points = series.flatMap(\.points)
    let verticalTicks = vertical.scale.ticks(covering: points.map(\.y))
    let x = horizontal.scale.positions(covering: points.map(\.x))
    let y = vertical.scale.positions(covering: points.map(\.y) + verticalTicks)
    func top(_ value: Double) -> Double? { y(value).map { Self.plotTop + (1 - $0) * Self.plotHeight } }
    func left(_ value: Double) -> Double? { x(value).map { Self.plotLeft + $0 * (Self.plotRight - Self.plotLeft) } }

    let lines = series.map { series in
      series.points.enumerated().compactMap { index, point -> (index: Int, position: Position)? in
        guard let x = left(point.x), let y = top(point.y) else { return nil }
        return (index, Position(x: x, y: y))
      }
    }
    return Layout(
      horizontalTicks: Self.markDense(
        horizontal.scale.ticks(covering: points.map(\.x)).compactMap { value in
          left(value).map { Tick(text: horizontal.format.tick(value), position: $0) }
        }),
      verticalTicks: verticalTicks.compactMap { value in
        top(value).map { Tick(text: vertical.format.tick(value), position: $0) }
      },
      lines: lines, labels: Self.spread(lines.map { $0.last?.position.y }))
  }

  private static func markDense(_ ticks: [Tick]) -> [Tick] {
    var last = -Double.infinity
    return ticks.map { tick in
      var tick = tick
      tick.isDense = tick.position - last < tickPitch
      if !tick.isDense { last = tick.position }
      return tick
    }
  }

  /// Moves labels apart that would overlap, as little as possible and keeping their order.
  private static func spread(_ wanted: [Double?]) -> [Double?] {
    var placed = wanted
    let order = wanted.indices.filter { wanted[$0] != nil }.sorted { (wanted[$0] ?? 0) < (wanted[$1] ?? 0) }
    // Labels that touch form a block around the mean of what they wanted; blocks that touch become one.
    var blocks: [(members: [Int], center: Double)] = []
    for index in order {
      blocks.append((members: [index], center: wanted[index] ?? 0))
      while blocks.count > 1 {
        let (upper, lower) = (blocks[blocks.count - 2], blocks[blocks.count - 1])
        let needed = Double(upper.members.count + lower.members.count) / 2 * labelPitch
        guard lower.center - upper.center < needed else { break }
        let members = upper.members + lower.members
        let center = members.reduce(0) { $0 + (wanted[$1] ?? 0) } / Double(members.count)
        blocks.replaceSubrange((blocks.count - 2)..., with: [(members: members, center: center)])
      }
    }
    for block in blocks {
      let first = block.center - Double(block.members.count - 1) / 2 * labelPitch
      for (position, index) in block.members.enumerated() {
        placed[index] = first + Double(position) * labelPitch
      }
    }
    return placed
  }
}
