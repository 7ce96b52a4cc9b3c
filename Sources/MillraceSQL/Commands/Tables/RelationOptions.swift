import MillraceTypes

/// What WITH says of a table or an index (PostgreSQL's access/common/reloptions.c).
enum RelationOptions {
  private enum Kind {
    case integer(ClosedRange<Int>)
    case real(ClosedRange<Double>)
    case boolean
    case words([String])
  }

  static func table(_ elements: [DefinitionElement]) throws(SQLError) -> [String: String] {
    try check(elements, known: tableOptions)
  }

  static func index(_ elements: [DefinitionElement]) throws(SQLError) -> [String: String] {
    try check(elements, known: ["fillfactor": .integer(10...100), "deduplicate_items": .boolean])
  }

  private static let tableOptions: [String: Kind] = {
    var options: [String: Kind] = [
      "fillfactor": .integer(10...100), "toast_tuple_target": .integer(128...8160),
      "parallel_workers": .integer(0...1024), "vacuum_truncate": .boolean,
      "vacuum_index_cleanup": .words(["auto", "on", "off"]), "autovacuum_enabled": .boolean,
    ]
    for name in [
      "vacuum_threshold", "vacuum_insert_threshold", "analyze_threshold", "vacuum_cost_limit", "freeze_min_age",
      "freeze_max_age", "freeze_table_age", "multixact_freeze_min_age", "multixact_freeze_max_age",
      "multixact_freeze_table_age",
    ] { options["autovacuum_\(name)"] = .integer(-1...Int(Int32.max)) }
    for name in [
      "vacuum_scale_factor", "vacuum_insert_scale_factor", "analyze_scale_factor", "vacuum_cost_delay",
    ] { options["autovacuum_\(name)"] = .real(-1...100) }
    options["log_autovacuum_min_duration"] = .integer(-1...Int(Int32.max))
    return options
  }()

  private static func check(
    _ elements: [DefinitionElement], known: [String: Kind]
  ) throws(SQLError) -> [String: String] {
    var options: [String: String] = [:]
    for element in elements {
      let name = element.name
      if let namespace = element.namespace {
        guard namespace == "toast" else {
          throw SQLError(.invalidParameterValue, "unrecognized parameter namespace \"\(namespace)\"")
        }
        throw .unsupported("an option of the TOAST table", at: element.location)
      }
      guard let kind = known[name] else {
        throw SQLError(.invalidParameterValue, "unrecognized parameter \"\(name)\"")
      }
      let value = text(element.value) ?? "true"
      guard options[name] == nil else {
        throw SQLError(.invalidParameterValue, "parameter \"\(name)\" specified more than once")
      }
      try check(name, value, kind)
      options[name] = value
    }
    return options
  }

  /// The names of options that RESET takes away.
  static func names(_ elements: [DefinitionElement]) -> Set<String> { Set(elements.map(\.name)) }

  private static func check(_ name: String, _ value: String, _ kind: Kind) throws(SQLError) {
    func outOfBounds(_ lower: String, _ upper: String) -> SQLError {
      SQLError(
        .invalidParameterValue, "value \(value) out of bounds for option \"\(name)\"",
        detail: "Valid values are between \"\(lower)\" and \"\(upper)\".")
    }
    switch kind {
    case .integer(let range):
      guard let number = Int(value) else {
        throw SQLError(.invalidParameterValue, "invalid value for integer option \"\(name)\": \(value)")
      }
      guard range.contains(number) else { throw outOfBounds("\(range.lowerBound)", "\(range.upperBound)") }
    case .real(let range):
      guard let number = Double(value) else {
        throw SQLError(.invalidParameterValue, "invalid value for floating point option \"\(name)\": \(value)")
      }
      guard range.contains(number) else { throw outOfBounds("\(range.lowerBound)", "\(range.upperBound)") }
    case .boolean:
      guard boolean(value) != nil else {
        throw SQLError(.invalidParameterValue, "invalid value for boolean option \"\(name)\": \(value)")
      }
    case .words(let words):
      guard words.contains(value.lowercased()) || boolean(value) != nil else {
        throw SQLError(.invalidParameterValue, "invalid value for enum option \"\(name)\": \(value)")
      }
    }
  }

  static func boolean(_ value: String) -> Bool? {
    switch value.lowercased() {
    case "true", "on", "yes", "1", "t", "y": true
    case "false", "off", "no", "0", "f", "n": false
    default: nil
    }
  }

  /// A value as it is written; nil where there is none.
  static func text(_ value: DefinitionElement.Value?) -> String? {
    switch value {
    case nil, .star, .role, .list: nil
    case .integer(let number): "\(number)"
    case .float(let text), .string(let text): text
    case .boolean(let flag): flag ? "true" : "false"
    case .typeName(let type): type.names.last
    }
  }
}
