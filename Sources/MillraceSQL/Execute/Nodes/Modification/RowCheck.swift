import MillraceEngine
import MillraceTypes

/// What a row has to fulfil before it is stored: NOT NULL and CHECK (src/backend/executor/execMain.c,
/// ExecConstraints).
final class RowCheck {
  private let relation: RelationDescriptor
  private let context: ExecutionContext
  private let notNull: [Int]
  private let checks: [(name: String, condition: CompiledExpression)]
  private let arena = Arena(chunkSize: 1024)
  /// Whether there is anything to fulfil.
  let isNeeded: Bool

  init(
    _ relation: RelationDescriptor, _ checks: [NamedCheck], _ compiler: ExpressionCompiler,
    _ context: ExecutionContext
  ) throws(SQLError) {
    (self.relation, self.context) = (relation, context)
    let columns = relation.tuple.columns
    notNull = columns.indices.filter { columns[$0].isNotNull && !columns[$0].isDropped }
    var compiled: [(name: String, condition: CompiledExpression)] = []
    for check in checks { compiled.append((check.name, try compiler.compile(check.condition))) }
    self.checks = compiled
    isNeeded = !notNull.isEmpty || !compiled.isEmpty
  }

  private var schema: String? { (try? context.catalog.namespaceName(relation.namespace)) ?? nil }

  /// - Parameters:
  ///   - row: all columns of the table.
  ///   - batch: of one row, whose columns are the same values.
  /// - Throws: ``SQLError``: 23502, 23514.
  func test(_ row: TupleSlot, _ batch: RowBatch) throws(SQLError) {
    for column in notNull where row.nulls[column] {
      let name = relation.tuple.columns[column].name
      var error = SQLError(
        SQLState("23502"),
        "null value in column \"\(name)\" of relation \"\(relation.name)\" violates not-null constraint",
        detail: try failingRow(row))
      (error.schema, error.table, error.column) = (schema, relation.name, name)
      throw error
    }
    guard !checks.isEmpty else { return }
    arena.reset()
    for check in checks {
      // Only what is false violates a check.
      guard let value = try check.condition.evaluate(batch, arena)[0], !value.bool else { continue }
      var error = SQLError(
        SQLState("23514"),
        "new row for relation \"\(relation.name)\" violates check constraint \"\(check.name)\"",
        detail: try failingRow(row))
      (error.schema, error.table, error.constraint) = (schema, relation.name, check.name)
      throw error
    }
  }

  /// `Failing row contains (1, null, abc).` (ExecBuildSlotValueDescription)
  private func failingRow(_ row: TupleSlot) throws(SQLError) -> String {
    var texts: [String] = []
    for (index, column) in relation.tuple.columns.enumerated() where !column.isDropped {
      guard let value = row[index] else {
        texts.append("null")
        continue
      }
      let text = try ValueDescription.text(value, column.typeID, context)
      texts.append(text.utf8.count > 64 ? ValueDescription.clipped(text, 64) + "..." : text)
    }
    return "Failing row contains (\(texts.joined(separator: ", ")))."
  }
}

/// Values in messages.
enum ValueDescription {
  static func text(_ value: Datum, _ type: TypeID, _ context: ExecutionContext) throws(SQLError) -> String {
    guard let descriptor = TypeDescriptor.builtIn[type] else { return "?" }
    let arena = Arena(chunkSize: 256)
    let session = context.session
    let whole = try engine { () throws(EngineError) in try session.detoasted(value, in: arena) }
    return descriptor.text(of: whole, context.typeSettings)
  }

  /// As many whole characters as fit into so many bytes.
  static func clipped(_ text: String, _ bytes: Int) -> String {
    var result = ""
    var count = 0
    for character in text.unicodeScalars {
      count += character.utf8.count
      if count > bytes { break }
      result.unicodeScalars.append(character)
    }
    return result
  }
}
