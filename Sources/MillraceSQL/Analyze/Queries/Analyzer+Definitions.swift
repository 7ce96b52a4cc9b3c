import MillraceEngine
import MillraceTypes

/// A query as a view keeps it: with all that it meant when it was made.
extension Analyzer {
  /// The text of a query in which tables have their schemas and stars are the columns that they stand for now, so that
  /// it means the same whatever the search path is and whatever columns are added later. PostgreSQL keeps the analysed
  /// tree instead.
  public func definition(of select: SelectStatement) throws(SQLError) -> String {
    let text = Deparser.text(of: select)
    let parsed: [RawStatement]
    do { parsed = try Parser.parse(text) } catch { throw SQLError(error) }
    guard parsed.count == 1, case .select(let again) = parsed[0].statement else {
      throw SQLError(.internalError, "the text of a query is not a query")
    }
    resolvedNames = ResolvedNames()
    defer { resolvedNames = nil }
    _ = try analyze(again, QueryScope())
    return resolvedNames?.applied(to: text) ?? text
  }

  func noteResolved(_ variable: RangeVariable, _ relation: RelationDescriptor) throws(SQLError) {
    guard resolvedNames != nil, variable.schema == nil, relation.persistence != .temporary else { return }
    let schema = try SQLError.wrapping { () throws(EngineError) in try catalog.namespaceName(relation.namespace) }
    resolvedNames?.note(variable.location, length: 0, Deparser.quoted(identifier: schema ?? "") + ".")
  }

  func noteResolved(
    _ reference: ColumnReference, _ items: [NamespaceItem], _ home: QueryScope
  ) {
    guard resolvedNames != nil else { return }
    var names: [String] = []
    for item in items {
      let columns = home.query.rangeTable[item.entry].columns
      for index in 0..<(item.columnLimit ?? columns.count) where !columns[index].name.isEmpty {
        let name = Deparser.quoted(identifier: columns[index].name)
        if let qualifier = qualifier(of: columns[index], item, home) {
          names.append("\(Deparser.quoted(identifier: qualifier)).\(name)")
        } else {
          names.append(name)
        }
      }
    }
    resolvedNames?.noteStar(reference.location, names.joined(separator: ", "))
  }

  /// By which table's name a column is found; nil for a merged one of a join, whose own name is enough.
  private func qualifier(of column: RangeTableColumn, _ item: NamespaceItem, _ home: QueryScope) -> String? {
    if let name = item.name, item.isNameVisible { return name }
    guard case .variable(let variable)? = column.expression else { return nil }
    return home.query.rangeTable[variable.entry].name
  }
}

/// What has to change in a query's text so that names stand for what they mean.
struct ResolvedNames {
  private var edits: [Int: (length: Int?, text: String)] = [:]

  mutating func note(_ location: Location, length: Int, _ text: String) {
    if location.isKnown { edits[Int(location.offset)] = (length, text) }
  }

  /// A star, with what qualifies it.
  mutating func noteStar(_ location: Location, _ text: String) {
    if location.isKnown { edits[Int(location.offset)] = (nil, text) }
  }

  func applied(to text: String) -> String {
    var bytes = Array(text.utf8)
    for (offset, edit) in edits.sorted(by: { $0.key > $1.key }) where offset <= bytes.count {
      let end = edit.length.map { offset + $0 } ?? Self.endOfStar(bytes, from: offset)
      bytes.replaceSubrange(offset..<end, with: edit.text.utf8)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Behind the star of `a."b*".*`.
  private static func endOfStar(_ bytes: [UInt8], from start: Int) -> Int {
    var isQuoted = false
    for index in start..<bytes.count {
      if bytes[index] == UInt8(ascii: "\"") { isQuoted.toggle() }
      if bytes[index] == UInt8(ascii: "*"), !isQuoted { return index + 1 }
    }
    return bytes.count
  }
}
