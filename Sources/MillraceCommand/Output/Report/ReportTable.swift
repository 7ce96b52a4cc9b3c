/// A table of a report. The first column names the row.
struct ReportTable {
  let caption: String
  let columns: [TableColumn]
  let rows: [[String]]

  init(_ caption: String, _ columns: [TableColumn], rows: [[String]]) {
    for row in rows {
      precondition(row.count == columns.count, "a row has \(row.count) cells for \(columns.count) columns")
    }
    self.caption = caption
    self.columns = columns
    self.rows = rows
  }

  func markup() -> Markup {
    let titles = columns.map { column in
      Markup.element("th", ["scope": "col", "class": Self.style(column)], text: column.title)
    }
    let body = rows.map { row in
      let cells = zip(columns, row).enumerated().map { index, pair in
        index == 0
          ? Markup.element("th", ["scope": "row", "class": Self.style(pair.0)], text: pair.1)
          : Markup.element("td", ["class": Self.style(pair.0)], text: pair.1)
      }
      return Markup.element("tr", .join(cells))
    }
    let table = Markup.element(
      "table",
      .element("caption", text: caption) + .element("thead", .element("tr", .join(titles)))
        + .element("tbody", .join(body)))
    // A wide table scrolls in its own box on a narrow screen; the page does not.
    return .element("div", ["class": "scroll", "tabindex": "0"], table)
  }

  private static func style(_ column: TableColumn) -> String {
    column.content == .number ? "number" : "text"
  }
}
