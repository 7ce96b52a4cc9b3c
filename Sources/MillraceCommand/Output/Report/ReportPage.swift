/// A self-contained HTML page with the results of a measurement: nothing is loaded from anywhere, it can be mailed.
///
/// It is well-formed XML as well, which is how tests check it.
struct ReportPage {
  let title: String
  /// One sentence under the title: what was measured.
  let summary: String
  /// What was measured on: kernel, processor, file system, file.
  let facts: [(name: String, value: String)]
  let sections: [ReportSection]
  /// The command that repeats the measurement.
  let command: String
  /// When and by which version.
  let footer: String

  func html() -> String {
    let head = Markup.join([
      .void("meta", ["charset": "utf-8"]),
      .void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
      .void("meta", ["name": "color-scheme", "content": "light dark"]),
      // The page promises to load nothing; the browser enforces it.
      .void(
        "meta",
        ["http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'"]),
      .element("title", text: title),
      .element("style", ReportStyle.sheet),
    ])
    var body = Markup.element(
      "header", .element("h1", text: title) + .element("p", ["class": "summary"], text: summary))
    for (index, section) in sections.enumerated() {
      body += section.markup(identifier: "section\(index + 1)")
    }
    body += machine()
    body += .element("footer", .element("p", text: footer))
    let page = Markup.element(
      "html", ["lang": "en"], .element("head", head) + .element("body", .element("main", body)))
    return "<!DOCTYPE html>\n\(page.html)\n"
  }

  private func machine() -> Markup {
    let rows = facts.map { fact in
      Markup.element("div", .element("dt", text: fact.name) + .element("dd", text: fact.value))
    }
    return .element(
      "section", ["aria-labelledby": "machine"],
      .element("h2", ["id": "machine"], text: "Machine and command") + .element("dl", .join(rows))
        + .element("pre", .element("code", text: command)))
  }
}

/// A part of a report under a heading of its own.
struct ReportSection {
  enum Block {
    case paragraph(String)
    /// Charts that belong together; they stand side by side where there is room.
    case bars([BarChart])
    case lines(LineChart)
    case table(ReportTable)
  }

  let heading: String
  let blocks: [Block]

  func markup(identifier: String) -> Markup {
    var content = Markup.element("h2", ["id": identifier], text: heading)
    for block in blocks {
      switch block {
      case .paragraph(let text): content += .element("p", text: text)
      case .bars(let charts): content += .element("div", ["class": "charts"], .join(charts.map { $0.markup() }))
      case .lines(let chart): content += chart.markup()
      case .table(let table): content += table.markup()
      }
    }
    return .element("section", ["aria-labelledby": identifier], content)
  }
}
