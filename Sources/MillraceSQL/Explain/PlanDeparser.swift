import MillraceEngine
import MillraceTypes

/// Writes the expressions of a plan as SQL, as PostgreSQL's src/backend/utils/adt/ruleutils.c does for EXPLAIN: with
/// all parentheses, and columns by the names that they have in the tables they come from.
final class PlanDeparser {
  let planned: PlannedStatement
  let catalog: SessionCatalog
  let functions: FunctionCatalog
  let settings: TypeSettings
  /// The nodes above the one that is shown, and which subplan leads from one to the next.
  var ancestors: [Ancestor] = []
  /// The names by which tables are told apart, by node.
  var aliases: [ObjectIdentifier: String] = [:]

  struct Ancestor {
    var plan: Plan
    /// The subplan that is shown below it, where it is not simply an input.
    var subplan: SubplanReference?
  }

  init(_ planned: PlannedStatement, _ catalog: SessionCatalog, _ settings: TypeSettings) throws(SQLError) {
    (self.planned, self.catalog, self.settings) = (planned, catalog, settings)
    functions = try StatementPlanning.engine { () throws(EngineError) in try catalog.functions() }
    var used: [String: Int] = [:]
    nameTables(planned.plan, &used)
    for table in planned.commonTables { nameTables(table.plan, &used) }
    for subplan in planned.subplans { nameTables(subplan, &used) }
  }

  // MARK: Names

  /// Names that are used twice get a number (`select_rtable_names_for_explain`).
  private func nameTables(_ plan: Plan, _ used: inout [String: Int]) {
    if let alias = plan.alias, plan.isNamed {
      let count = used[alias, default: 0]
      used[alias] = count + 1
      aliases[ObjectIdentifier(plan)] = count == 0 ? alias : "\(alias)_\(count)"
    }
    for input in plan.inputs { nameTables(input, &used) }
  }

  func alias(of plan: Plan) -> String { aliases[ObjectIdentifier(plan)] ?? plan.alias ?? "" }

  func relation(_ oid: UInt32) -> RelationDescriptor? { try? catalog.relation(oid) }

  // MARK: Columns

  /// A column of what a node reads.
  /// - Returns: its text, and whether that is a plain column.
  func column(_ index: Int, of plan: Plan, _ context: DeparseContext) -> (text: String, isColumn: Bool) {
    switch plan.operation {
    case .sequentialScan(let scan), .bitmapHeapScan(let scan, _), .tidScan(let scan, _):
      return (tableColumn(index, plan, scan.relation, context), true)
    case .indexScan(let scan): return (tableColumn(index, plan, scan.table.relation, context), true)
    case .bitmapIndexScan(let scan):
      let heap = ancestors.last { if case .bitmapHeapScan = $0.plan.operation { true } else { false } }
      return (tableColumn(index, heap?.plan ?? plan, scan.table.relation, context), true)
    case .values, .functionScan, .commonTableScan, .workTableScan, .subqueryScan:
      let names = plan.description?.columnNames ?? []
      let name = names.indices.contains(index) ? names[index] : "column\(index + 1)"
      return (prefixed(name, plan, context), true)
    case .modifyTable(let modification):
      return modifiedColumn(index, plan, modification, context)
    case .aggregate(_, let keys, let aggregates):
      if keys.indices.contains(index) { return output(keys[index].column.index, of: plan.inputs[0], context) }
      guard aggregates.indices.contains(index - keys.count) else { return ("?", true) }
      return (aggregate(aggregates[index - keys.count], plan.inputs[0], context), false)
    case .nestedLoop, .hashJoin, .mergeJoin:
      let count = plan.inputs[0].outputTypes.count
      return index < count
        ? output(index, of: plan.inputs[0], context) : output(index - count, of: plan.inputs[1], context)
    default:
      guard let input = plan.inputs.first else { return ("?", true) }
      return output(index, of: input, context)
    }
  }

  /// A column of what a node gives out; what is no plain column is put into parentheses.
  func output(_ index: Int, of plan: Plan, _ context: DeparseContext) -> (text: String, isColumn: Bool) {
    guard let list = plan.output else { return column(index, of: plan, context) }
    guard list.indices.contains(index) else { return ("?", true) }
    var inner = context
    (inner.plan, inner.readsOutput) = (plan, false)
    // Names of tables further down say where they come from if those of this node do.
    if case .input(let found) = list[index] { return column(found.index, of: plan, inner) }
    return (expression(list[index], inner), false)
  }

  private func tableColumn(_ index: Int, _ plan: Plan, _ oid: UInt32, _ context: DeparseContext) -> String {
    guard let table = relation(oid) else { return "?" }
    let count = table.tuple.count
    if index >= count {
      let system = index - count
      let name = SystemColumn.allCases.indices.contains(system) ? SystemColumn.allCases[system].name : "?"
      return prefixed(name, plan, context)
    }
    let names = plan.description?.columnNames ?? []
    return prefixed(names.indices.contains(index) ? names[index] : table.tuple.columns[index].name, plan, context)
  }

  private func modifiedColumn(
    _ index: Int, _ plan: Plan, _ modification: TableModification, _ context: DeparseContext
  ) -> (text: String, isColumn: Bool) {
    guard let table = relation(modification.relation) else { return ("?", true) }
    let count = table.tuple.count + SystemColumn.allCases.count
    if index < count { return (tableColumn(index, plan, modification.relation, context), true) }
    if context.isConflict {
      let name = table.tuple.columns.indices.contains(index - count) ? table.tuple.columns[index - count].name : "?"
      return ("excluded." + Keyword.quoted(name), true)
    }
    return output(index - count, of: plan.inputs[0], context)
  }

  private func prefixed(_ name: String, _ plan: Plan, _ context: DeparseContext) -> String {
    let alias = alias(of: plan)
    return context.usesPrefix && !alias.isEmpty
      ? Keyword.quoted(alias) + "." + Keyword.quoted(name) : Keyword.quoted(name)
  }

  // MARK: Parameters

  /// A parameter that the executor sets: what it stands for (`find_param_referent`).
  func executorParameter(_ number: Int) -> String {
    for place in ancestors.indices.reversed() {
      let ancestor = ancestors[place]
      if let found = initialSubplan(number, ancestor.plan) { return found }
      if let argument = ancestor.subplan?.arguments.first(where: { $0.parameter == number }) {
        return text(argument.value, in: ancestor.plan, below: place)
      }
      if case .nestedLoop(_, _, let parameters) = ancestor.plan.operation,
        let argument = parameters.first(where: { $0.parameter == number })
      {
        return text(argument.value, of: ancestor.plan.inputs[0], below: place)
      }
    }
    return "$\(number)"
  }

  func initialSubplan(_ number: Int, _ plan: Plan) -> String? {
    guard let found = plan.initialSubplans.first(where: { $0.parameter == number }) else { return nil }
    return "(InitPlan \(planned.subplanNumber(found.subplan))).col1"
  }

  /// An expression over a node's input columns, as seen from further down.
  private func text(_ value: TypedExpression, in plan: Plan, below place: Int) -> String {
    let saved = ancestors
    ancestors.removeSubrange(place...)
    defer { ancestors = saved }
    return expression(value, DeparseContext(plan: plan, usesPrefix: true))
  }

  /// An expression over what a node gives out.
  private func text(_ value: TypedExpression, of plan: Plan, below place: Int) -> String {
    let saved = ancestors
    ancestors.removeSubrange(place...)
    defer { ancestors = saved }
    var context = DeparseContext(plan: plan, usesPrefix: true)
    context.readsOutput = true
    return expression(value, context)
  }
}

/// Where an expression stands.
struct DeparseContext {
  /// The node whose input columns it refers to.
  var plan: Plan
  /// Whether columns are shown with their tables' names.
  var usesPrefix: Bool
  /// Whether it is over the node's output instead.
  var readsOutput = false
  /// Whether columns behind the table's are those of the row that was to be inserted.
  var isConflict = false
  /// For the keys of joins: the offset of the columns.
  var offset = 0
}

extension Plan {
  /// What a scan's table, function or query is called by.
  var alias: String? {
    switch operation {
    case .sequentialScan(let scan), .bitmapHeapScan(let scan, _), .tidScan(let scan, _): scan.alias
    case .indexScan(let scan), .bitmapIndexScan(let scan): scan.table.alias
    case .functionScan(_, _, let alias), .subqueryScan(let alias), .commonTableScan(_, let alias),
      .workTableScan(_, let alias):
      alias
    case .modifyTable(let modification): modification.alias
    case .values: "*VALUES*"
    default: nil
    }
  }

  /// Whether it is what the name stands for; the table that is changed is named where it is scanned, too.
  var isNamed: Bool {
    switch operation {
    case .bitmapIndexScan: return false
    case .modifyTable(let modification): return modification.kind == .insert
    default: return true
    }
  }
}
