import MillraceEngine
import MillraceTypes

/// A statement of the simple protocol that has come before, as it is but for its numbers (``StatementTemplate``).
final class KnownStatement {
  enum Kind {
    /// It has come once: it may never come again.
    case once
    /// It begins or ends a transaction.
    case transaction(Statement)
    /// It looks one row up by a unique key, or inserts one row: its plan is the same whatever the numbers.
    case lookup(PreparedStatement)
    /// It must be planned each time.
    case other
  }

  let text: [UInt8]
  var kind = Kind.once
  /// The numbers, as parameters.
  let parameters: TupleSlot

  init(_ text: [UInt8], numbers: Int) {
    self.text = text
    parameters = TupleSlot(count: numbers)
  }
}

/// What a session's client has sent of late in the simple protocol, and, for what comes again and again, its plan. So a
/// short statement is neither parsed nor analysed nor planned each time.
///
/// A plan is kept only where no other would be chosen for other numbers, and like a prepared statement's it is looked
/// at before it is used: by the catalog's generation, the search path, and all settings. Unlike that one it is made
/// anew every ``PreparedStatement/reuseMax`` times, since a table may have grown without anybody having analysed it.
struct KnownStatements: ~Copyable {
  /// As many are kept; then all are forgotten.
  private static let countMax = 256

  private var template = StatementTemplate()
  private var known: [UInt64: KnownStatement] = [:]

  /// What is known of a statement, with the numbers that it has now; nil where it cannot be known.
  mutating func find(_ sql: String) -> KnownStatement? {
    guard template.read(sql) else { return nil }
    if let found = known[template.hash], found.text == template.text {
      for index in template.numbers.indices { found.parameters[index] = Datum(template.numbers[index]) }
      return found
    }
    if known.count >= Self.countMax { known.removeAll(keepingCapacity: true) }
    known[template.hash] = KnownStatement(template.text, numbers: template.numbers.count)
    return nil
  }

  mutating func forgetAll() {
    if !known.isEmpty { known.removeAll(keepingCapacity: true) }
  }
}

extension SQLSession {
  /// Runs a statement of the simple protocol as one that has come before.
  /// - Returns: false where it has not, or is none of those that are kept; nothing has been done then.
  func runKnown(_ sql: String, _ client: any SQLClient) throws(SQLError) -> Bool {
    guard block != .failed, let known = knownStatements.find(sql) else { return false }
    if case .once = known.kind { known.kind = try kind(of: known) }
    let tag: String
    switch known.kind {
    case .once, .other: return false
    case .transaction(let statement):
      try ensureTransaction()
      beginStatement()
      tag = try runUtility(statement, source: sql, client)
    case .lookup(let prepared):
      try ensureTransaction()
      beginStatement()
      guard let planned = try lookupPlan(prepared) else {
        known.kind = .other
        return false
      }
      tag = try run(planned, parameters: known.parameters, client, describes: true, isKept: true)
    }
    session.endStatement()
    try endImplicitTransaction()
    try advanceCommand()
    reportSettings(to: client)
    try client.complete(tag)
    return true
  }

  /// What a statement is that has come again.
  private func kind(of known: KnownStatement) throws(SQLError) -> KnownStatement.Kind {
    let text = String(decoding: known.text, as: UTF8.self)
    guard let all = try? parse(text), all.count == 1 else { return .other }
    let statement = all[0].statement
    if case .transaction = statement { return .transaction(statement) }
    guard Self.isPlannable(statement) else { return .other }
    let prepared = PreparedStatement(name: "", source: text, statement, isFromSQL: false, time: statementStart)
    prepared.parameterTypes = Array(repeating: .int4, count: known.parameters.count)
    return .lookup(prepared)
  }

  /// The plan of a statement that looks a row up or inserts one; nil where it is none, or is one no longer.
  private func lookupPlan(_ prepared: PreparedStatement) throws(SQLError) -> PlannedStatement? {
    if let generic = prepared.generic, prepared.genericCount < PreparedStatement.reuseMax, try isValid(prepared) {
      prepared.genericCount += 1
      return generic.planned
    }
    prepared.invalidate()
    prepared.genericCount = 0
    let query: Query
    do throws(SQLError) {
      guard let analyzed = try analyzedTemplate(prepared) else { return nil }
      query = analyzed
    } catch {
      // What is wrong is said of the statement as it is; unless it is something that was waited for.
      if ["40", "55", "57"].contains(String(error.sqlState.prefix(2))) { throw error }
      return nil
    }
    let planned = try plan(query)
    guard planned.isLookup || query.insertsOneRow else { return nil }
    prepared.generic = try cached(planned)
    return planned
  }

  /// - Returns: nil where the numbers are no parameters like others.
  private func analyzedTemplate(_ prepared: PreparedStatement) throws(SQLError) -> Query? {
    guard let statement = prepared.statement else { return nil }
    let types = ParameterTypes(prepared.parameterTypes.map { ValueType($0) })
    let query = try analyze(statement, types)
    guard types.types.map(\.id) == prepared.parameterTypes else { return nil }
    guard query.insertsOneRow || !query.targets.contains(where: { $0.expression.computesFromParameters }),
      !query.returning.contains(where: { $0.expression.computesFromParameters })
    else { return nil }
    note(query, of: prepared)
    return query
  }
}

extension Query {
  /// Whether it is an INSERT of one row of values, without queries in it.
  var insertsOneRow: Bool {
    command == .insert && rangeTable.count == 1 && from.isEmpty && with.isEmpty && onConflict == nil
      && setOperations == nil && !hasTargetSetFunctions && !targets.contains { $0.expression.containsSubquery }
      && !returning.contains { $0.expression.containsSubquery }
  }
}

extension TypedExpression {
  /// Whether something is computed of parameters alone, which is done while planning where these are constants, and
  /// then fails even where there is no row.
  fileprivate var computesFromParameters: Bool {
    contains { part in
      switch part {
      case .parameter, .constant, .variable: return false
      case .call(let call) where call.form == .implicitCast && [.int8, .numeric, .float8].contains(call.type.id):
        return false
      default: return part.hasParameter && !part.containsVariable
      }
    }
  }

  private var hasParameter: Bool { contains { if case .parameter = $0 { true } else { false } } }
}
