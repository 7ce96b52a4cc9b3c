import TextTable

/// A column of a `Table`.
struct TableColumn {
  /// Which end of a text that is too long is dropped. Numbers are never cut.
  enum Content: Equatable {
    case number
    case text
    /// The end of a path says more than its beginning.
    case path
  }

  let title: String
  let content: Content

  static func number(_ title: String) -> TableColumn { TableColumn(title: title, content: .number) }
  static func text(_ title: String) -> TableColumn { TableColumn(title: title, content: .text) }
  static func path(_ title: String) -> TableColumn { TableColumn(title: title, content: .path) }
}

/// A table for the terminal: columns aligned, numbers to the right, cut to a width.
struct Table {
  private let columns: [TableColumn]
  private var rows: [[String]] = []

  init(_ columns: [TableColumn]) {
    self.columns = columns
  }

  /// - Precondition: One cell for each column.
  mutating func append(_ cells: [String]) {
    precondition(cells.count == columns.count, "a row has \(cells.count) cells for \(columns.count) columns")
    rows.append(cells.map(Self.printable))
  }

  /// A file can be called anything, also something that moves the cursor.
  private static func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
  }

  /// The table with a newline behind each line, no line wider than `width` unless its numbers alone are.
  func text(width: Int = 100) -> String {
    let widths = fittedWidths(width)
    func cells(_ row: [String]) -> [Column] {
      zip(zip(columns, row), widths).map { pair, width in
        Column(
          title: pair.0.title, value: pair.1, width: width, align: pair.0.content == .number ? .right : .left,
          truncate: pair.0.content == .path ? .head : .tail)
      }
    }
    var text = ""
    Layout.header(&text, index: -1, columns: cells(columns.map(\.title)))
    if !rows.isEmpty {
      text = TextTable<[String]>(cells).string(for: rows, style: Layout.self) ?? text
    }
    return text
  }

  /// The natural widths, with the widest columns of text narrowed until the sum fits, but never below their titles.
  private func fittedWidths(_ width: Int) -> [Int] {
    var widths = columns.indices.map { index in
      max(columns[index].title.count, rows.map { $0[index].count }.max() ?? 0)
    }
    var excess = widths.reduce(0, +) + (widths.count - 1) * Layout.gap.count - width
    while excess > 0 {
      let narrowable = columns.indices.filter {
        columns[$0].content != .number && widths[$0] > max(columns[$0].title.count, 4)
      }
      guard let widest = narrowable.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }
}

/// Two blanks between columns, a rule under the titles, nothing else.
private enum Layout: TextTableStyle {
  static let gap = "  "

  static func prepare(_ text: String, for column: Column) -> String {
    Simple.prepare(text, for: column)
  }

  static func escape(_ text: String) -> String { text }
  static func begin(_ table: inout String, index: Int, columns: [Column]) {}
  static func end(_ table: inout String, index: Int, columns: [Column]) {}

  static func header(_ table: inout String, index: Int, columns: [Column]) {
    append(columns.map { $0.headerString(for: Self.self) }, to: &table)
    append(columns.map { $0.repeated("-") }, to: &table)
  }

  static func row(_ table: inout String, index: Int, columns: [Column]) {
    append(columns.map { $0.string(for: Self.self) }, to: &table)
  }

  private static func append(_ cells: [String], to table: inout String) {
    var line = cells.joined(separator: gap)
    while line.last == " " { line.removeLast() }
    table += line + "\n"
  }
}
