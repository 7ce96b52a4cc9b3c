extension LineChart {
  /// The chart as a figure. The lines live in a box of their own that is stretched to the width there is, without
  /// stretching their strokes; labels and points are placed in percent, so text and dots keep their shape.
  func markup() -> Markup {
    let layout = layout()
    guard layout.lines.contains(where: { !$0.isEmpty }) else {
      return .element("figure", caption() + .element("p", ["class": "empty"], text: "No results."))
    }
    var drawing = Markup()
    drawing += grid(layout)
    drawing += lines(layout)
    drawing += axes(layout)
    for index in series.indices {
      drawing += endLabel(layout, index)
      drawing += points(layout, index)
    }
    let svg = Markup.element(
      "svg", ["role": "img", "aria-label": summary(), "width": "100%", "height": SVG.number(Self.height)], drawing)
    return .element("figure", ["class": "wide"], caption() + svg)
  }

  private func caption() -> Markup { .element("figcaption", text: title) }

  /// The lines of the vertical axis, below everything.
  private func grid(_ layout: Layout) -> Markup {
    .join(
      layout.verticalTicks.map { tick in
        let y = SVG.number(tick.position)
        return .void("line", ["class": "grid", "x1": "0", "x2": SVG.percent(Self.plotRight), "y1": y, "y2": y])
      })
  }

  /// The marks of both axes, above the lines of the series, which a halo keeps off them, and below the points.
  private func axes(_ layout: Layout) -> Markup {
    let bottom = Self.plotTop + Self.plotHeight
    var axes = Markup.element("text", ["class": "tick", "x": "0", "y": "12"], text: vertical.title)
    for tick in layout.verticalTicks {
      axes += .element(
        "text", ["class": "tick halo", "x": "0", "y": SVG.number(tick.position), "dy": "-5"], text: tick.text)
    }
    for tick in layout.horizontalTicks {
      let x = SVG.percent(tick.position)
      axes += .void(
        "line", ["class": "grid", "x1": x, "x2": x, "y1": SVG.number(bottom), "y2": SVG.number(bottom + 5)])
      axes += .element(
        "text",
        [
          "class": tick.isDense ? "tick dense" : "tick", "x": x, "y": SVG.number(bottom + 19), "text-anchor": "middle",
        ], text: tick.text)
    }
    axes += .element(
      "text",
      ["class": "tick", "x": SVG.percent(Self.plotRight), "y": SVG.number(bottom + 37), "text-anchor": "end"],
      text: horizontal.title)
    return axes
  }

  private func lines(_ layout: Layout) -> Markup {
    let polylines = layout.lines.enumerated().map { index, line in
      let points = line.map { "\(SVG.number($0.position.x * 1000)),\(SVG.number($0.position.y))" }
      return Markup.void("polyline", ["class": "line \(style(index))", "points": points.joined(separator: " ")])
    }
    return .element(
      "svg",
      [
        "x": "0", "y": "0", "width": "100%", "height": SVG.number(Self.height),
        "viewBox": "0 0 1000 \(SVG.number(Self.height))", "preserveAspectRatio": "none",
      ], .join(polylines))
  }

  /// The name of the series behind its last point, tied to it by a thin line.
  private func endLabel(_ layout: Layout, _ index: Int) -> Markup {
    guard let last = layout.lines[index].last?.position, let labelTop = layout.labels[index] else { return Markup() }
    let labelLeft = SVG.percent(Self.plotRight + 0.03)
    return .void(
      "line",
      [
        "class": "leader", "x1": SVG.percent(last.x), "y1": SVG.number(last.y), "x2": labelLeft,
        "y2": SVG.number(labelTop),
      ])
      + .element(
        "text", ["class": "value", "x": labelLeft, "dx": "5", "y": SVG.number(labelTop), "dy": "0.34em"],
        text: series[index].label)
  }

  private func points(_ layout: Layout, _ index: Int) -> Markup {
    .join(
      layout.lines[index].map { entry in
        let point = series[index].points[entry.index]
        return .element(
          "circle",
          [
            "class": "point \(style(index))", "cx": SVG.percent(entry.position.x),
            "cy": SVG.number(entry.position.y), "r": "3.5",
          ], .element("title", text: hover(series[index], point)))
      })
  }

  private func style(_ index: Int) -> String { "s\(index % ReportStyle.seriesCount)" }

  private func hover(_ series: Series, _ point: (x: Double, y: Double)) -> String {
    "\(series.label), \(horizontal.format.text(point.x)): \(vertical.format.text(point.y))"
  }

  /// The whole chart in words, for those who hear it.
  private func summary() -> String {
    let points = series.flatMap { series in series.points.map { hover(series, $0) } }
    return "\(title). " + points.joined(separator: "; ") + "."
  }
}
