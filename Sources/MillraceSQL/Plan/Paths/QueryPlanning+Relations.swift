import MillraceEngine
import MillraceStorage
import MillraceTypes

/// What is known of tables: how large they are and which indexes they have (PostgreSQL's get_relation_info and
/// estimate_rel_size, src/backend/optimizer/util/plancat.c).
extension QueryPlanning {
  func makeRelations() throws(SQLError) {
    relations = Array(repeating: nil, count: query.rangeTable.count)
    for entry in tree.members {
      let relation = statement.keep(RelationInfo(RelationSet(entry), entry: entry))
      relation.considersStartup = tupleFraction > 0
      relations[entry] = relation
      for argument in lateralArguments[entry] ?? [] { relation.lateral.formUnion(relations(of: argument.value)) }
      if case .relation(let oid) = query.rangeTable[entry].kind {
        try read(oid, relation)
        totalPages += relation.pages
      }
    }
  }

  private func read(_ oid: UInt32, _ relation: RelationInfo) throws(SQLError) {
    let descriptor = try statement.relation(oid)
    relation.descriptor = descriptor
    (relation.pages, relation.tuples, relation.visibleFraction) = try statement.size(of: descriptor)
    let session = statement.catalog.session
    for index in descriptor.indexes where index.isValid && index.isReady && session.canUse(index) {
      if let made = try indexInfo(index, descriptor, relation) { relation.indexes.append(made) }
    }
    // PostgreSQL takes the newest first where two are as good.
    relation.indexes.reverse()
  }

  func indexInfo(
    _ index: IndexDescriptor, _ table: RelationDescriptor, _ relation: RelationInfo
  ) throws(SQLError) -> IndexInfo? {
    guard let tree = index.tree else { return nil }
    let entry = relation.entry ?? 0
    var columns: [IndexInfo.Column] = []
    for column in index.columns.prefix(index.keyCount) {
      guard let known = functions.operatorClasses[column.operatorClass] else { return nil }
      var made = IndexInfo.Column(
        column: column.column, expression: nil, family: known.family, type: known.inputType,
        isDescending: column.isDescending, isNullsFirst: column.isNullsFirst)
      if let sql = column.expression {
        let expression = try statement.analyze(sql, over: table, for: .indexExpression)
        made.expression = Self.moved(try statement.fold(expression), to: entry)
        made.type = made.expression?.type.id ?? made.type
      }
      columns.append(made)
    }
    var predicate: [TypedExpression] = []
    if let sql = index.predicate {
      let expression = try statement.analyze(sql, over: table, for: .indexPredicate)
      predicate = Self.conjuncts(Self.moved(try statement.foldCondition(expression), to: entry))
    }
    let (pages, height) = try statement.size(of: tree, index.oid)
    let made = IndexInfo(
      index, columns, pages: pages, tuples: relation.tuples, height: height, predicate: predicate)
    made.isPredicateImplied = predicate.isEmpty
    return made
  }

  /// An expression over a table alone, for its entry in the range table.
  static func moved(_ expression: TypedExpression, to entry: Int) -> TypedExpression {
    VariableRewriter { variable, _ in
      var variable = variable
      variable.entry = entry
      return .variable(variable)
    }.rewrite(expression)
  }

  // MARK: Widths

  /// The bytes of an average value of a column.
  func width(of variable: Variable) -> Int {
    guard let relation = relations[variable.entry], case .column(let column) = variable.column else {
      return typeWidth(variable.type)
    }
    if let known = relation.columnWidths[column] { return known }
    var width = 0
    if let found = facts(relation, column), found.width > 0 {
      width = found.width
    } else if let inner = relation.subquery, let shown = inner.shownWidth(column) {
      width = shown
    } else {
      width = typeWidth(variable.type)
    }
    relation.columnWidths[column] = width
    return width
  }

  private func shownWidth(_ column: Int) -> Int? {
    let shown = query.targets.filter { !$0.isHidden }
    guard column < shown.count, query.setOperations == nil else { return nil }
    return width(of: shown[column].expression)
  }

  func width(of expression: TypedExpression) -> Int {
    if case .variable(let variable) = expression, variable.levelsUp == 0 { return width(of: variable) }
    return typeWidth(expression.type)
  }

  /// `get_typavgwidth`.
  func typeWidth(_ type: ValueType) -> Int { StatementPlanning.typeWidth(type) }

  /// What a relation gives out is as wide as what is needed of it.
  func setNeeds(_ relation: RelationInfo) {
    let found = needs.filter { relation.members.contains($0.key.entry) && isNeeded($0.value, above: relation.members) }
    relation.needed = found.sorted { $0.value.order < $1.value.order }.map(\.key)
    relation.width = relation.needed.reduce(0) { $0 + width(of: $1) }
  }

  private func isNeeded(_ need: Need, above members: RelationSet) -> Bool {
    need.isFinal || !need.relations.isSubset(of: members)
  }
}

extension StatementPlanning {
  static func typeWidth(_ type: ValueType) -> Int {
    guard let known = TypeDescriptor.builtIn[type.id] else { return 32 }
    if known.length > 0 { return Int(known.length) }
    let typmod = Int(type.typmod)
    var most = 0
    switch type.id {
    case .bpchar: return typmod > 4 ? (typmod - 4) * 4 + 4 : 32
    case .varchar: most = typmod > 4 ? (typmod - 4) * 4 + 4 : 0
    case .numeric:
      let precision = (typmod - 4) >> 16 & 0xFFFF
      most = typmod > 4 ? (precision + 6) / 4 * 2 + 8 : 0
    default: break
    }
    guard most > 0 else { return 32 }
    if most <= 32 { return most }
    return most < 1000 ? 32 + (most - 32) / 2 : 32 + (1000 - 32) / 2
  }

  /// How large a table is now: its pages, rows, and the part that is visible to all.
  func size(of table: RelationDescriptor) throws(SQLError) -> (pages: Double, tuples: Double, visible: Double) {
    guard let heap = table.heap else { return (0, 0, 0) }
    let known = table.statistics
    func visible(_ pages: Double) -> Double {
      known.allVisiblePages <= 0 ? 0 : min(Double(known.allVisiblePages) / pages, 1)
    }
    if let pages = pageCounts[table.oid], known.tuples >= 0 { return (pages, Double(known.tuples), visible(pages)) }
    var pages = Double(try Self.engine { () throws(EngineError) in try heap.blockCount() })
    if pages < 10, known.tuples < 0 { pages = 10 }
    if pages == 0 { return (0, 0, 0) }
    let density: Double
    if known.tuples >= 0, known.pages > 0 {
      density = Double(known.tuples) / Double(known.pages)
    } else {
      let width = rowWidth(table) + (24 + 4)
      density = max(Double((8192 - 24) * table.fillFactor / 100 / width), 1)
    }
    return (pages, (density * pages).rounded(.toNearestOrEven), visible(pages))
  }

  /// `get_rel_data_width`, aligned.
  private func rowWidth(_ table: RelationDescriptor) -> Int {
    var width = 0
    for (place, column) in table.tuple.columns.enumerated() where !column.isDropped {
      let known = statistics(of: table, place)?.width ?? 0
      width += known > 0 ? known : Self.typeWidth(ValueType(column.typeID, column.typmod))
    }
    return (width + 7) & ~7
  }

  func size(of index: BTreeIndex, _ oid: UInt32) throws(SQLError) -> (pages: Double, height: Int) {
    let session = catalog.session
    if let pages = pageCounts[oid] {
      return (pages, try Self.engine { () throws(EngineError) in try index.height(session) })
    }
    return try Self.engine { () throws(EngineError) in
      (Double(try index.blockCount()), try index.height(session))
    }
  }
}
