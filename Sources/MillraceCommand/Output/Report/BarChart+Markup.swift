extension BarChart {
  /// The chart as a figure. Lengths along the bars are percentages and all else is in pixels, so the chart takes the
  /// width it gets and its text stays as large as the text around it.
  func markup() -> Markup {
    let layout = layout()
    guard !layout.placements.isEmpty else {
      return .element("figure", caption() + .element("p", ["class": "empty"], text: "No results."))
    }
    var drawing = Markup()
    for (group, top) in zip(groups, layout.labelTops) {
      drawing += .element("text", ["class": "group", "x": "0", "y": SVG.number(top + 14)], text: group.label)
    }
    for placement in layout.placements {
      drawing += bar(placement)
    }
    let svg = Markup.element(
      "svg", ["role": "img", "aria-label": summary(), "width": "100%", "height": SVG.number(layout.height)], drawing)
    return .element("figure", caption() + svg)
  }

  private func caption() -> Markup { .element("figcaption", text: title) }

  /// The bar, the line of its spread, its label, and what the pointer is told when it rests there.
  private func bar(_ placement: Placement) -> Markup {
    let group = groups[placement.group]
    let bar = group.bars[placement.bar]
    let middle = placement.top + Self.barHeight / 2
    var parts = Markup.element("title", text: hover(group, bar))
    parts += .void(
      "rect",
      [
        "class": "bar s\(placement.bar % ReportStyle.seriesCount)", "x": "0", "y": SVG.number(placement.top),
        "width": SVG.percent(placement.width), "height": SVG.number(Self.barHeight),
      ])
    if let spread = placement.spread {
      parts += .void(
        "line",
        [
          "class": "spread", "x1": SVG.percent(spread.lowerBound), "x2": SVG.percent(spread.upperBound),
          "y1": SVG.number(middle), "y2": SVG.number(middle),
        ])
    }
    let labelStart = max(placement.width, placement.spread?.upperBound ?? 0)
    parts += .element(
      "text",
      ["x": SVG.percent(labelStart), "dx": bar.value == nil ? "0" : "7", "y": SVG.number(middle), "dy": "0.36em"],
      label(bar))
    return .element("g", parts)
  }

  /// The value in full weight, then which bar it is; without a value, which bar it is and why.
  private func label(_ bar: Bar) -> Markup {
    guard let value = bar.value else {
      return .element("tspan", ["class": "name"], text: "\(bar.label): \(bar.remark)")
    }
    return .element("tspan", ["class": "value"], text: format.text(value))
      + .element("tspan", ["class": "name", "dx": "6"], text: bar.label)
  }

  private func hover(_ group: Group, _ bar: Bar) -> String {
    let name = bar.label.isEmpty ? group.label : "\(group.label), \(bar.label)"
    guard let value = bar.value else { return "\(name): \(bar.remark)" }
    let spread = bar.spread.map { " (\(format.text($0.lowerBound)) to \(format.text($0.upperBound)))" }
    return "\(name): \(format.text(value))\(spread ?? "")"
  }

  /// The whole chart in words, for those who hear it.
  private func summary() -> String {
    let bars = groups.flatMap { group in group.bars.map { hover(group, $0) } }
    return "\(title). " + bars.joined(separator: "; ") + "."
  }
}
