import MillraceEngine
import MillraceTestSupport
import MillraceTypes
import Testing

@testable import MillraceSQL

/// Nodes by themselves, over plans that no planner has made.
@Suite(.serialized) struct HandBuiltPlanTests {
  private static let int4 = ValueType(.int4)
  private static let order = SortOrder(.int4, equality: 96, ordering: 97)
  private static let key = SortKey(InputColumn(0, int4), order)

  private func constant(_ value: Int32?) -> TypedExpression {
    .constant(TypedConstant(Self.int4, value.map { .word(UInt64(bitPattern: Int64($0))) } ?? .null))
  }

  private func values(_ numbers: [Int32?]) -> Plan {
    Plan(.values(numbers.map { [constant($0)] }), inputTypes: [Self.int4], cost: PlanCost())
  }

  private func wrapping(_ operation: PlanOperation, _ inputs: [Plan]) -> Plan {
    Plan(operation, inputs, inputTypes: [Self.int4], cost: PlanCost())
  }

  private func planned(_ plan: Plan, parameters: Int = 0, subplans: [Plan] = []) -> PlannedStatement {
    PlannedStatement(
      command: .select, plan, subplans: subplans, commonTables: [], columns: [], returnsRows: true,
      executorParameterCount: parameters, relations: [], isReadOnly: true)
  }

  private func executor(
    _ plan: Plan, _ rig: SQLRig, parameters: Int = 0, subplans: [Plan] = [], _ options: InstrumentationOptions = []
  ) throws -> Executor {
    let context = ExecutionContext(
      rig.sql.session, rig.sql, rig.sql.typeSettings, parameters: TupleSlot(count: 0),
      executorParameterCount: parameters)
    return try Executor(
      planned(plan, parameters: parameters, subplans: subplans), context, instrumentation: options)
  }

  /// All rows' first columns.
  private func numbers(_ executor: Executor) throws -> [Int32?] {
    var found: [Int32?] = []
    while let batch = try executor.next() {
      #expect(batch.count > 0)
      for place in 0..<batch.count { found.append(batch.value(0, row: Int(batch.selection[place]))?.int32) }
    }
    return found
  }

  private func run(_ plan: Plan, _ rig: SQLRig, parameters: Int = 0, subplans: [Plan] = []) throws -> [Int32?] {
    let executor = try self.executor(plan, rig, parameters: parameters, subplans: subplans)
    defer { executor.close() }
    let found = try numbers(executor)
    try executor.rescan()
    let again = try numbers(executor)
    #expect(again == found, "the same rows once more")
    return found
  }

  private func check(
    _ plan: Plan, _ rig: SQLRig, gives expected: [Int32?], parameters: Int = 0, subplans: [Plan] = []
  ) throws {
    let found = try run(plan, rig, parameters: parameters, subplans: subplans)
    #expect(found == expected)
  }

  private func within(_ body: (SQLRig) throws -> Void) throws {
    let rig = try SQLRig()
    try rig.sql.session.begin()
    try body(rig)
    try rig.sql.session.rollback()
    try rig.close()
  }

  @Test("more rows than a batch has, sorted, limited, with those that are equal to the last")
  func limit() throws {
    try within { rig in
      let many = (0..<3000).map { Int32($0 * 7919 % 1000) }
      let sorted = wrapping(.sort([Self.key]), [values(many)])
      try check(sorted, rig, gives: many.sorted())
      let count = TypedExpression.constant(TypedConstant(ValueType(.int8), .word(1001)))
      let offset = TypedExpression.constant(TypedConstant(ValueType(.int8), .word(2)))
      try check(
        wrapping(.limit(count: count, offset: offset, tieKeys: []), [sorted]), rig,
        gives: Array(many.sorted()[2..<1003]))
      try check(
        wrapping(.limit(count: count, offset: offset, tieKeys: [Self.key]), [sorted]), rig,
        gives: Array(many.sorted()[2..<1005]))
    }
  }

  @Test("NULLs are where the order says, and are equal to each other")
  func nulls() throws {
    try within { rig in
      let some: [Int32?] = [3, nil, 1, nil, 3, 2]
      try check(wrapping(.sort([Self.key]), [values(some)]), rig, gives: [1, 2, 3, 3, nil, nil])
      var first = Self.key
      first.order.isNullsFirst = true
      first.order.isDescending = true
      try check(wrapping(.sort([first]), [values(some)]), rig, gives: [nil, nil, 3, 3, 2, 1])
      let unique = wrapping(.unique([Self.key]), [wrapping(.sort([Self.key]), [values(some)])])
      try check(unique, rig, gives: [1, 2, 3, nil])
    }
  }

  @Test("the inner side of a nested loop gets the outer row by a parameter")
  func nestedLoop() throws {
    try within { rig in
      let parameter = TypedExpression.parameter(TypedParameter(.executor(0), Self.int4))
      let inner = Plan(
        .result(oneTimeFilter: nil), inputTypes: [], output: [parameter], cost: PlanCost())
      let twice = wrapping(.append, [inner, inner])
      let join = Plan(
        .nestedLoop(
          .inner, condition: [],
          parameters: [SubplanArgument(parameter: 0, .input(InputColumn(0, Self.int4)))]),
        [values([5, nil, 9]), twice], inputTypes: [Self.int4, Self.int4],
        output: [.input(InputColumn(1, Self.int4))], cost: PlanCost())
      try check(join, rig, gives: [5, 5, nil, nil, 9, 9], parameters: 1)
    }
  }

  @Test("what a subplan finds once is a parameter; two rows are too many")
  func initialSubplan() throws {
    try within { rig in
      func plan() -> Plan {
        Plan(
          .result(oneTimeFilter: nil), inputTypes: [],
          output: [.parameter(TypedParameter(.executor(0), Self.int4))], cost: PlanCost(),
          initialSubplans: [InitialSubplan(subplan: 0, .scalar, parameter: 0)])
      }
      try check(plan(), rig, gives: [42], parameters: 1, subplans: [values([42])])
      try check(plan(), rig, gives: [nil], parameters: 1, subplans: [values([])])
      let twoRows = try executor(plan(), rig, parameters: 1, subplans: [values([1, 2])])
      defer { twoRows.close() }
      #expect { try twoRows.next() } throws: { ($0 as? SQLError)?.sqlState == "21000" }
    }
  }

  @Test("counters say how many rows and loops there were")
  func instrumentation() throws {
    try within { rig in
      let source = values([1, 2, 2, 3])
      let unique = wrapping(.unique([Self.key]), [source])
      let executor = try self.executor(unique, rig, .all)
      defer { executor.close() }
      let found = try numbers(executor)
      #expect(found == [1, 2, 3])
      let (below, above) = (executor.instrumentation(of: source), executor.instrumentation(of: unique))
      #expect(below?.loops == 1 && above?.loops == 1)
      #expect(below?.rows == 4 && above?.rows == 3)
      #expect(executor.processed == 3)
    }
  }
}
