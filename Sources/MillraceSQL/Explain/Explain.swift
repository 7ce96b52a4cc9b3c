public import MillraceEngine
public import MillraceTypes

/// Shows a plan as EXPLAIN does, and what its execution has counted (PostgreSQL's src/backend/commands/explain.c).
public final class Explain {
  let planned: PlannedStatement
  let options: ExplainOptions
  let deparser: PlanDeparser
  var output: ExplainOutput
  /// What the executor has counted of a node; nil where it has not.
  let counters: (Plan) -> NodeInstrumentation?

  /// - Parameters:
  ///   - settings: how values are shown.
  ///   - counters: of a node; nil for a plan that was not executed.
  /// - Throws: ``SQLError``: the catalog cannot be read.
  public init(
    _ planned: PlannedStatement, _ options: ExplainOptions, _ catalog: SessionCatalog, _ settings: TypeSettings,
    counters: @escaping (Plan) -> NodeInstrumentation? = { _ in nil }
  ) throws(SQLError) {
    (self.planned, self.options, self.counters) = (planned, options, counters)
    deparser = try PlanDeparser(planned, catalog, settings)
    output = ExplainOutput(options.format)
  }

  /// What to show: of text one row for each line, of JSON a single one.
  /// - Parameters:
  ///   - planning: how long planning took, in nanoseconds; nil where it is not to be shown.
  ///   - execution: the same of the execution.
  ///   - planningBuffers: what planning read.
  public func rows(
    planning: UInt64? = nil, execution: UInt64? = nil, planningBuffers: BufferUsage? = nil
  ) -> [String] {
    output = ExplainOutput(options.format)
    output.open("[")
    output.open("{")
    show(planned.plan, relationship: nil, name: nil)
    if options.buffers, let planningBuffers, planningBuffers != BufferUsage() { showPlanning(planningBuffers) }
    if options.summary {
      if let planning { time("Planning Time", planning) }
      if options.analyze, let execution { time("Execution Time", execution) }
    }
    output.close("}")
    output.close("]")
    guard output.isText else { return [output.text] }
    return output.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  private func time(_ label: String, _ nanoseconds: UInt64) {
    let milliseconds = Double(nanoseconds) / 1e6
    if output.isText {
      output.line("\(label): \(ExplainOutput.fixed(milliseconds, 3)) ms")
    } else {
      output.property(label, milliseconds, digits: 3)
    }
  }

  private func showPlanning(_ buffers: BufferUsage) {
    if output.isText {
      output.line("Planning:")
      output.indent += 1
      showBuffers(buffers)
      output.indent -= 1
    } else {
      output.open("{", "Planning")
      showBuffers(buffers)
      output.close("}")
    }
  }

  // MARK: Nodes

  /// `ExplainNode`.
  func show(_ plan: Plan, relationship: String?, name: String?, subplan: SubplanReference? = nil) {
    let saved = output.indent
    let label = NodeLabel(plan)
    if output.isText {
      if let name {
        output.line(name)
        output.indent += 1
      }
      if output.indent > 0 {
        output.indentLine()
        output.append("->  ")
        output.indent += 2
      }
      output.append(label.text + target(plan))
      output.indent += 1
    } else {
      if relationship == nil { output.open("{", "Plan") } else { output.open("{") }
      showProperties(plan, label, relationship: relationship, name: name)
    }
    showEstimate(plan.cost)
    showActual(counters(plan))
    if output.isText { output.append("\n") }
    let isDisabled = isDisabled(plan)
    if isDisabled || !output.isText { output.property("Disabled", isDisabled) }
    deparser.ancestors.append(PlanDeparser.Ancestor(plan: plan))
    if options.verbose { showOutput(plan) }
    showDetails(plan)
    if options.analyze, let counted = counters(plan) { showUsage(counted) }
    showChildren(plan)
    deparser.ancestors.removeLast()
    if output.isText { output.indent = saved } else { output.close("}") }
  }

  /// Whether the settings forbid the node itself.
  private func isDisabled(_ plan: Plan) -> Bool {
    let below = plan.inputs.reduce(0) { $0 + ($1.description?.disabledNodes ?? 0) }
    return (plan.description?.disabledNodes ?? 0) > below
  }

  func showEstimate(_ cost: PlanCost) {
    guard options.costs else { return }
    let (startup, total) = (ExplainOutput.fixed(cost.startup, 2), ExplainOutput.fixed(cost.total, 2))
    if output.isText {
      output.append(
        "  (cost=\(startup)..\(total) rows=\(ExplainOutput.fixed(cost.rows, 0)) width=\(cost.width))")
    } else {
      output.property("Startup Cost", cost.startup, digits: 2)
      output.property("Total Cost", cost.total, digits: 2)
      output.property("Plan Rows", cost.rows, digits: 0)
      output.property("Plan Width", cost.width)
    }
  }

  func showActual(_ counted: NodeInstrumentation?) {
    guard options.analyze, let counted else { return }
    let loops = Double(counted.loops)
    if counted.loops == 0 {
      if output.isText { return output.append(" (never executed)") }
      if options.timing {
        output.property("Actual Startup Time", 0, digits: 3)
        output.property("Actual Total Time", 0, digits: 3)
      }
      output.property("Actual Rows", 0, digits: 0)
      return output.property("Actual Loops", 0)
    }
    let startup = Double(counted.startupNanoseconds) / 1e6 / loops
    let total = Double(counted.totalNanoseconds) / 1e6 / loops
    let rows = Double(counted.rows) / loops
    if output.isText {
      output.append(" (actual ")
      if options.timing {
        output.append("time=\(ExplainOutput.fixed(startup, 3))..\(ExplainOutput.fixed(total, 3)) ")
      }
      output.append("rows=\(ExplainOutput.fixed(rows, 2)) loops=\(counted.loops))")
    } else {
      if options.timing {
        output.property("Actual Startup Time", startup, digits: 3)
        output.property("Actual Total Time", total, digits: 3)
      }
      output.property("Actual Rows", rows, digits: 2)
      output.property("Actual Loops", Int(counted.loops))
    }
  }

  // MARK: Children

  private func showChildren(_ plan: Plan) {
    let subplans = subplans(of: plan)
    let tables = plan.description?.commonTables ?? []
    let hasChildren = !plan.inputs.isEmpty || !plan.initialSubplans.isEmpty || !subplans.isEmpty || !tables.isEmpty
    guard hasChildren else { return }
    output.open("[", "Plans")
    for table in tables where planned.commonTables.indices.contains(table) {
      let found = planned.commonTables[table]
      show(found.plan, relationship: "InitPlan", name: "CTE \(found.name)")
    }
    for initial in plan.initialSubplans {
      show(
        planned.subplans[initial.subplan], relationship: "InitPlan",
        name: "InitPlan \(planned.subplanNumber(initial.subplan))")
    }
    for (place, input) in plan.inputs.enumerated() {
      let relationship = relationship(plan, place)
      if case .hashJoin = plan.operation, place == 1 {
        showHash(input, of: plan)
      } else {
        show(input, relationship: relationship, name: nil)
      }
    }
    for reference in subplans {
      let last = deparser.ancestors.count - 1
      deparser.ancestors[last].subplan = reference
      show(
        planned.subplans[reference.index], relationship: "SubPlan",
        name: "SubPlan \(planned.subplanNumber(reference.index))", subplan: reference)
      deparser.ancestors[last].subplan = nil
    }
    output.close("]")
  }

  private func relationship(_ plan: Plan, _ place: Int) -> String {
    switch plan.operation {
    case .append, .bitmapAnd, .bitmapOr: "Member"
    case .subqueryScan: "Subquery"
    default: place == 0 ? "Outer" : "Inner"
    }
  }

  /// The hash table that a hash join makes of its inner side is a node of its own.
  private func showHash(_ input: Plan, of join: Plan) {
    let saved = output.indent
    let counted = counters(join)
    if output.isText {
      output.indentLine()
      output.append("->  Hash")
      output.indent += 3
    } else {
      output.open("{")
      output.property("Node Type", "Hash")
      output.property("Parent Relationship", "Inner")
      output.property("Parallel Aware", false)
      output.property("Async Capable", false)
    }
    var cost = input.cost
    cost.startup = cost.total
    showEstimate(cost)
    showHashActual(counters(input))
    if output.isText { output.append("\n") } else { output.property("Disabled", false) }
    if options.verbose {
      output.list("Output", outputTexts(input))
    }
    if options.analyze, let hash = counted?.hash { showHashTable(hash) }
    if options.analyze, options.buffers, let counted = counters(input) { showBuffers(counted.buffers) }
    output.open("[", "Plans")
    show(input, relationship: "Outer", name: nil)
    output.close("]")
    if output.isText { output.indent = saved } else { output.close("}") }
  }

  /// The table is made when all of its input has been read.
  private func showHashActual(_ counted: NodeInstrumentation?) {
    guard let counted else { return }
    let made = NodeInstrumentation()
    (made.rows, made.loops) = (counted.rows, counted.loops)
    (made.startupNanoseconds, made.totalNanoseconds) = (counted.totalNanoseconds, counted.totalNanoseconds)
    showActual(made)
  }

  /// The subplans in a node's expressions, in the order in which they are met.
  func subplans(of plan: Plan) -> [SubplanReference] {
    var found: [SubplanReference] = []
    func collect(_ expression: TypedExpression) {
      if case .subplan(let reference) = expression, !found.contains(where: { $0.index == reference.index }) {
        found.append(reference)
      }
      expression.forEachChild { child in collect(child) }
    }
    for expression in plan.ownExpressions { collect(expression) }
    return found
  }
}

extension Plan {
  /// All expressions that the node itself has.
  var ownExpressions: [TypedExpression] {
    var found = (output ?? [])
    switch operation {
    case .result(let filter): if let filter { found.append(filter) }
    case .values(let rows): found += rows.flatMap { $0 }
    case .indexScan(let scan), .bitmapIndexScan(let scan): found += scan.conditions.compactMap(\.value)
    case .bitmapHeapScan(_, let recheck): found += recheck
    case .tidScan(_, let places): found += places
    case .functionScan(let call, _, _): found.append(.call(call))
    case .nestedLoop(_, let condition, let parameters): found += condition + parameters.map(\.value)
    case .hashJoin(_, let keys, let condition), .mergeJoin(_, let keys, let condition):
      found += condition + keys.flatMap { [$0.outer, $0.inner] }
    case .aggregate(_, _, let aggregates): found += aggregates.map { .aggregate($0) }
    case .limit(let count, let offset, _): found += [count, offset].compactMap(\.self)
    case .modifyTable(let modification):
      if let conflict = modification.onConflict { found += conflict.values + [conflict.condition].compactMap(\.self) }
    default: break
    }
    return found + filter
  }
}
