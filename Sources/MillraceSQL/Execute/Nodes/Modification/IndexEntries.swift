import MillraceEngine
import MillraceTypes

/// The entries that a table's rows have in one of its indexes (src/backend/executor/execIndexing.c,
/// src/backend/catalog/index.c, FormIndexDatum).
final class IndexEntries {
  let index: IndexDescriptor
  let tree: BTreeIndex
  /// The table's columns that it looks at, in its keys, its expressions and its predicate.
  let referencedColumns: Set<Int>
  private let relation: RelationDescriptor
  private let context: ExecutionContext
  private let heap: HeapRelation
  private let expressions: [CompiledExpression?]
  /// The table's column of each of the index's; -1 for an expression.
  private let sources: UnsafeMutablePointer<Int>
  private let columnCount: Int
  /// Whether its entries are nothing but columns, of all rows.
  private let isPlain: Bool
  private let predicate: CompiledExpression?
  private let values: UnsafeMutablePointer<Datum>
  private var nulls: UInt32 = 0
  private let arena = Arena(chunkSize: 512)
  private let check: UniquenessCheck?

  init(
    _ index: IndexDescriptor, of relation: RelationDescriptor, _ heap: HeapRelation, _ compiler: ExpressionCompiler,
    _ context: ExecutionContext
  ) throws(SQLError) {
    guard let tree = index.tree else {
      throw .unsupported("changing a table with index \"\(index.name)\", whose access method or types are not known,")
    }
    (self.index, self.tree, self.relation, self.context, self.heap) = (index, tree, relation, context, heap)
    var referenced = Set(index.referencedColumns)
    var expressions: [CompiledExpression?] = []
    for column in index.columns {
      guard let text = column.expression else {
        expressions.append(nil)
        continue
      }
      let expression = try StoredExpression.analyze(text, over: relation, nil, .indexExpression, context)
      InputColumns.collect(expression, into: &referenced)
      expressions.append(compiler.wholeValues(try compiler.compile(expression)))
    }
    self.expressions = expressions
    columnCount = index.columns.count
    sources = .allocate(capacity: max(columnCount, 1))
    for (place, column) in index.columns.enumerated() { (sources + place).initialize(to: column.column ?? -1) }
    isPlain = index.predicate == nil && index.columns.allSatisfy { $0.column != nil }
    if let text = index.predicate {
      let expression = try StoredExpression.analyze(text, over: relation, .init(.bool), .indexPredicate, context)
      InputColumns.collect(expression, into: &referenced)
      predicate = try compiler.compile(expression)
    } else {
      predicate = nil
    }
    referencedColumns = referenced
    values = .allocate(capacity: max(index.columns.count, 1))
    values.initialize(repeating: Datum(word: 0), count: max(index.columns.count, 1))
    check = index.isUnique ? context.session.uniquenessCheck(heap) : nil
  }

  deinit {
    values.deallocate()
    sources.deallocate()
  }

  /// Finds the entry of a row.
  /// - Parameters:
  ///   - row: all columns of the table.
  ///   - batch: of one row, whose columns are the same values.
  /// - Returns: false where the row is not in the index.
  private func form(_ row: TupleSlot, _ batch: RowBatch) throws(SQLError) -> Bool {
    guard isPlain else { return try evaluate(row, batch) }
    var found: UInt32 = 0
    for place in 0..<columnCount {
      let source = sources[place]
      guard !row.nulls[source] else {
        values[place] = Datum(word: 0)
        found |= 1 << UInt32(place)
        continue
      }
      // A value that is not there as a whole has to be fetched.
      if row.values[source].isToasted { return try evaluate(row, batch) }
      values[place] = row.values[source]
    }
    nulls = found
    return true
  }

  /// The same for an index with expressions or a predicate, or a row with values out of line.
  private func evaluate(_ row: TupleSlot, _ batch: RowBatch) throws(SQLError) -> Bool {
    arena.reset()
    if let predicate, try predicate.evaluate(batch, arena)[0]?.bool != true { return false }
    nulls = 0
    for place in 0..<columnCount {
      var value: Datum?
      if sources[place] >= 0 {
        value = row[sources[place]]
        if let known = value, known.isToasted {
          let (session, arena) = (context.session, arena)
          value = try engine { () throws(EngineError) in try session.detoasted(known, in: arena) }
        }
      } else {
        value = try expressions[place]?.evaluate(batch, arena)[0]
      }
      values[place] = value ?? Datum(word: 0)
      if value == nil { nulls |= 1 << UInt32(place) }
    }
    return true
  }

  /// Adds a row's entry to an index that is being built.
  /// - Parameter isAlive: whether the row counts where keys must be unique.
  func add(
    _ row: TupleSlot, _ batch: RowBatch, at place: TupleIdentifier, isAlive: Bool, to build: IndexBuild
  ) throws(SQLError) {
    guard try form(row, batch) else { return }
    do throws(EngineError) {
      try build.add(values, nulls: nulls, place, isAlive: isAlive)
    } catch {
      throw SQLError(error)
    }
  }

  /// What came of an insertion.
  enum Result {
    case inserted
    case conflict
    /// The end of that transaction decides.
    case pending(TransactionID)
  }

  /// Enters a row.
  /// - Parameter isUnchanged: whether it is a new version of a row with the same key.
  func insert(
    _ row: TupleSlot, _ batch: RowBatch, at place: TupleIdentifier, isUnchanged: Bool = false
  ) throws(SQLError) -> Result {
    guard try form(row, batch) else { return .inserted }
    let (session, values, nulls, tree, check) = (context.session, values, nulls, tree, check)
    let result = try engine { () throws(EngineError) in
      try session.insert(values, nulls: nulls, place, into: tree, check, keyIsUnchanged: isUnchanged)
    }
    switch result {
    case .inserted: return .inserted
    case .conflict: return .conflict
    case .mustWait(let xid, _): return .pending(xid)
    }
  }

  /// Enters a row, waiting for those who may have its key.
  /// - Throws: ``SQLError`` 23505 where somebody has.
  func require(
    _ row: TupleSlot, _ batch: RowBatch, at place: TupleIdentifier, isUnchanged: Bool = false
  ) throws(SQLError) {
    while true {
      switch try insert(row, batch, at: place, isUnchanged: isUnchanged) {
      case .inserted: return
      case .conflict: throw try violation()
      case .pending(let xid):
        let session = context.session
        _ = try engine { () throws(EngineError) in try session.waitForEnd(of: xid) }
      }
    }
  }

  /// A row that has the key of another one.
  enum Holder {
    case none
    case row(TupleIdentifier)
    case pending(TransactionID)
  }

  /// Looks for a row that has the key already (check_exclusion_or_unique_constraint).
  func holder(_ row: TupleSlot, _ batch: RowBatch) throws(SQLError) -> Holder {
    guard try form(row, batch) else { return .none }
    let keyCount = index.keyCount
    var keys: [IndexScanKey] = []
    for place in 0..<keyCount {
      if nulls >> UInt32(place) & 1 != 0 {
        guard index.isNullsNotDistinct else { return .none }
        keys.append(IndexScanKey(place, .isNull))
      } else {
        keys.append(IndexScanKey(place, .equal(values[place])))
      }
    }
    let scan = BTreeScan(tree, context.session, keys)
    do throws(EngineError) {
      while let place = try scan.next() {
        let (liveness, version) = try context.session.liveVersion(of: place, in: heap)
        switch liveness {
        case .dead: continue
        case .live: return .row(version)
        case .inProgress(let xid): return .pending(xid)
        }
      }
    } catch {
      throw SQLError(error)
    }
    return .none
  }

  /// The error of a key that is there already; to be made after ``insert(_:_:at:isUnchanged:)`` has found it.
  func violation() throws(SQLError) -> SQLError {
    var error = SQLError(
      .uniqueViolation, "duplicate key value violates unique constraint \"\(index.name)\"",
      detail: "Key \(try keyText()) already exists.")
    error.schema = (try? context.catalog.namespaceName(relation.namespace)) ?? nil
    (error.table, error.constraint) = (relation.name, index.name)
    return error
  }

  /// The key of a row as messages show it; nil where the row is not in the index.
  func keyText(_ row: TupleSlot, _ batch: RowBatch) throws(SQLError) -> String? {
    try form(row, batch) ? try keyText() : nil
  }

  /// `(a, b)=(1, x)`.
  private func keyText() throws(SQLError) -> String {
    let columns = relation.tuple.columns
    var names: [String] = []
    var texts: [String] = []
    for place in 0..<index.keyCount {
      let column = index.columns[place]
      names.append(column.column.map { columns[$0].name } ?? column.expression ?? "?")
      if nulls >> UInt32(place) & 1 != 0 {
        texts.append("null")
      } else {
        let type = column.column.map { columns[$0].typeID } ?? expressions[place]?.type.id ?? .text
        texts.append(try ValueDescription.text(values[place], type, context))
      }
    }
    return "(\(names.joined(separator: ", ")))=(\(texts.joined(separator: ", ")))"
  }
}

/// Expressions that the catalog holds as SQL, over a table's row.
enum StoredExpression {
  /// - Returns: the expression, whose ``InputColumn``s are the table's columns.
  static func analyze(
    _ text: String, over relation: RelationDescriptor, _ type: ValueType?, _ purpose: Analyzer.Purpose,
    _ context: ExecutionContext
  ) throws(SQLError) -> TypedExpression {
    let analyzer = Analyzer(context.catalog, context.environment, parameters: ParameterTypes([]))
    return overColumns(try analyzer.analyzeExpression(text, over: relation, expecting: type, for: purpose))
  }

  static func overColumns(_ expression: TypedExpression) -> TypedExpression {
    if case .variable(let variable) = expression, case .column(let index) = variable.column {
      return .input(InputColumn(index, variable.type))
    }
    return expression.mapChildren { overColumns($0) }
  }
}
