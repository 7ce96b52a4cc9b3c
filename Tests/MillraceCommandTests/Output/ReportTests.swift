import Foundation
import Testing

@testable import MillraceCommand

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite("Reports")
struct ReportTests {
  @Test("every text is escaped, wherever it stands")
  func escaping() throws {
    #expect(Markup.escape("<a href=\"x\">'&'</a>") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;")
    #expect(Markup.escape("a\u{0}\u{1B}[2J\u{85}\tb\n") == "a\u{FFFD}\u{FFFD}[2J\u{FFFD}\tb\n")
    let evil = "</style><script>alert('1')</script>\" onload=\"x\u{0}&"
    let page = ReportPage(
      title: evil, summary: evil, facts: [(name: evil, value: evil)],
      sections: [
        ReportSection(
          heading: evil,
          blocks: [
            .paragraph(evil), .table(ReportTable(evil, [.text(evil), .number(evil)], rows: [[evil, evil]])),
            .bars([
              BarChart(evil, .count, groups: [.init(evil, [.init(evil, 1), .init(evil, missing: evil)])])
            ]),
            .lines(.latencies(evil, [.init(evil, [(x: 50, y: 1), (x: 99, y: 2)])])),
          ])
      ], command: evil, footer: evil)
    let html = page.html()
    #expect(!html.contains("<script"))
    #expect(!html.contains("\" onload"))
    let document = try XMLDocument(xmlString: html)
    // The text that comes out of a parser is the text that went in, control characters aside.
    let shown = evil.replacing("\u{0}", with: "\u{FFFD}")
    #expect(try document.nodes(forXPath: "//h1").first?.stringValue == shown)
    #expect(try document.nodes(forXPath: "//td").first?.stringValue == shown)
  }

  @Test("the page is well-formed and loads nothing")
  func selfContained() throws {
    let html = SampleReport.page.html()
    #expect(html.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
    #expect(throws: Never.self) { try XMLDocument(xmlString: html) }
    for outside in ["http://", "https://", "src=", "url(", "@import", "<link", "<script", "<img"] {
      #expect(!html.contains(outside), "\(outside)")
    }
    #expect(!html.contains("nan") && !html.contains("inf\""))
    #expect(html.utf8.count < 100_000)
    if let path = ProcessInfo.processInfo.environment["MILLRACE_SAMPLE_REPORT"] {
      try OutputFile.write(html, to: path)
    }
  }

  @Test("numbers of drawings have two digits at most and are always numbers")
  func numbers() {
    let cases = [
      (0.0, "0"), (1, "1"), (0.5, "0.5"), (0.05, "0.05"), (0.125, "0.13"), (-0.5, "-0.5"), (-0.001, "0"),
      (12.34, "12.34"), (12.3, "12.3"), (.nan, "0"), (.infinity, "0"), (1e300, "0"),
    ]
    for (value, text) in cases {
      #expect(SVG.number(value) == text)
    }
    #expect(SVG.percent(0.375) == "37.5%")
  }
}

@Suite("Bar charts")
struct BarChartTests {
  private func widths(_ values: [Double], maximum: Double? = nil) -> [Double] {
    let chart = BarChart("c", .count, scaleMaximum: maximum, groups: values.map { .init("g", [.init("b", $0)]) })
    return chart.layout().placements.map(\.width)
  }

  @Test("bars are proportional to their values, the largest takes the full length")
  func proportional() {
    let values = [1.0, 2.5, 10, 0, 7.75]
    let widths = widths(values)
    #expect(widths[2] == BarChart.longestBar)
    for (value, width) in zip(values, widths) {
      #expect(abs(width - value / 10 * BarChart.longestBar) < 1e-12)
    }
  }

  @Test("charts with one scale can be compared, and nothing leaves the chart")
  func commonScale() {
    #expect(widths([5], maximum: 20) == [BarChart.longestBar / 4])
    #expect(widths([50], maximum: 20) == [BarChart.longestBar])
    #expect(widths([-5, 10]) == [0, BarChart.longestBar])
  }

  @Test("no values, zeroes, missing and infinite values are no reason for a number that is none")
  func degenerate() {
    #expect(BarChart("c", .count, groups: []).layout() == .init(height: 0, labelTops: [], placements: []))
    #expect(widths([0, 0]) == [0, 0])
    #expect(widths([.nan, .infinity, 4]) == [0, 0, BarChart.longestBar])
    #expect(widths([3], maximum: 0) == [0])
    let missing = BarChart("c", .count, groups: [.init("io_uring", [.init("direct", missing: "not permitted")])])
    #expect(missing.layout().placements.map(\.width) == [0])
    #expect(missing.markup().html.contains("direct: not permitted"))
    for chart in [BarChart("c", .count, groups: []), missing] {
      #expect(!chart.markup().html.contains("nan"))
    }
    #expect(BarChart("c", .count, groups: []).markup().html.contains("No results."))
  }

  @Test("no two bars or labels overlap, and the drawing is as high as what is in it")
  func vertical() {
    let groups = (0..<4).map { group in
      BarChart.Group("g\(group)", (0..<3).map { .init("b\($0)", Double($0)) })
    }
    let layout = BarChart("c", .count, groups: groups).layout()
    #expect(layout.placements.count == 12)
    #expect(layout.labelTops.count == 4)
    let tops = layout.placements.map(\.top)
    for (upper, lower) in zip(tops, tops.dropFirst()) {
      #expect(lower - upper >= BarChart.barHeight)
    }
    #expect((tops.last ?? 0) + BarChart.barHeight <= layout.height)
  }

  @Test("a spread is drawn on the scale of the bars and makes room for itself")
  func spread() {
    let chart = BarChart("c", .count, groups: [.init("g", [.init("b", 10, spread: 5...20)])])
    let placement = chart.layout().placements[0]
    #expect(placement.width == BarChart.longestBar / 2)
    #expect(placement.spread == BarChart.longestBar / 4...BarChart.longestBar)
    #expect(chart.markup().html.contains("g, b: 10 (5 to 20)"))
  }
}

@Suite("Line charts")
struct LineChartTests {
  private func latencies(_ series: [[(x: Double, y: Double)]]) -> LineChart {
    .latencies("latency", series.enumerated().map { .init("s\($0)", $1) })
  }

  @Test("percentiles: every further nine is as far as the one before")
  func percentiles() {
    let x = AxisScale.percentile.positions(covering: [0, 90, 99, 99.9])
    for (value, position) in [(0.0, 0.0), (90, 1 / 3.0), (99, 2 / 3.0), (99.9, 1)] {
      #expect(abs((x(value) ?? -1) - position) < 1e-9)
    }
    let withMaximum = AxisScale.percentile.positions(covering: [90, 99, 100])
    #expect(abs((withMaximum(99) ?? -1) - 0.5) < 1e-9)
    #expect(withMaximum(100) == 1)
    #expect(withMaximum(101) == nil)
  }

  @Test("logarithms: equal ratios are equal distances, zero has no place")
  func logarithms() {
    let y = AxisScale.logarithmic.positions(covering: [1, 10_000])
    #expect(abs((y(100) ?? -1) - 0.5) < 1e-12)
    #expect(y(0) == nil)
    #expect(y(-1) == nil)
    #expect(AxisScale.logarithmic.ticks(covering: [30, 20_000]) == [10, 100, 1000, 10_000, 100_000])
    #expect(AxisScale.logarithmic.ticks(covering: [30, 80]) == [20, 50, 100])
    #expect(AxisScale.linear.ticks(covering: [3, 10]) == [0, 2, 4, 6, 8, 10])
    #expect(AxisScale.linear.ticks(covering: [0]) == [0, 1])
  }

  @Test("points are inside the plot, and larger values are higher")
  func points() {
    let layout = latencies([[(50, 80), (90, 120), (99, 900), (99.9, 4000), (100, 12_000)]]).layout()
    let positions = layout.lines[0].map(\.position)
    #expect(positions.count == 5)
    for position in positions {
      #expect((LineChart.plotLeft...LineChart.plotRight).contains(position.x))
      #expect((LineChart.plotTop...(LineChart.plotTop + LineChart.plotHeight)).contains(position.y))
    }
    for (left, right) in zip(positions, positions.dropFirst()) {
      #expect(left.x < right.x)
      #expect(left.y > right.y)
    }
    #expect(layout.horizontalTicks.map(\.text) == ["50 %", "90 %", "99 %", "99.9 %", "max"])
    #expect(layout.horizontalTicks.allSatisfy { !$0.isDense })
    let dense = latencies([[(50, 1), (90, 2), (95, 3), (99, 4), (99.9, 5), (100, 6)]]).layout().horizontalTicks
    #expect(dense.filter(\.isDense).map(\.text) == ["95 %"])
    #expect(layout.verticalTicks.map(\.text) == ["10 µs", "100 µs", "1 ms", "10 ms", "100 ms"])
  }

  @Test("labels that would overlap move apart as little as needed and keep their order")
  func labels() throws {
    let layout = latencies([
      [(50, 100), (99, 1000)], [(50, 100), (99, 1001)], [(50, 1), (99, 1002)], [(50, 1), (99, 2)],
    ])
    .layout()
    let labels = layout.labels.compactMap { $0 }
    #expect(labels.count == 4)
    let sorted = labels.sorted()
    for (upper, lower) in zip(sorted, sorted.dropFirst()) {
      #expect(lower - upper >= 16.9)
    }
    #expect(labels[2] < labels[1] && labels[1] < labels[0] && labels[0] < labels[3])
    let wanted = try #require(layout.lines[3].last).position.y
    #expect(labels[3] == wanted)
  }

  @Test("no points, one point and values without a position are no reason for a number that is none")
  func degenerate() {
    for series in [
      [], [[]], [[(50.0, 0.0)]], [[(50, 5)]], [[(50, .nan), (99, 3)]], [[(100, 7)]], [[(50, 5), (50, 5)]],
    ] {
      let html = latencies(series).markup().html
      #expect(!html.contains("nan"))
      #expect(!html.contains("inf"))
    }
    #expect(latencies([[]]).markup().html.contains("No results."))
    let lone = latencies([[(50, 5)]]).layout().lines[0].map(\.position.x)
    #expect(lone.count == 1)
    #expect(abs((lone.first ?? 0) - (LineChart.plotLeft + LineChart.plotRight) / 2) < 1e-12)
  }
}
