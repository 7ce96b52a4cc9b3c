import MillraceTypes

/// Reading and writing `pg_statistic` (PostgreSQL's update_attstats, src/backend/commands/analyze.c).
extension SessionCatalog {
  /// `STATISTIC_KIND_…`.
  private enum Kind {
    static let common: Int64 = 1
    static let histogram: Int64 = 2
    static let correlation: Int64 = 3
  }

  private typealias Column = CatalogColumns.Statistic

  private static let kinds: [Column] = [.stakind1, .stakind2, .stakind3, .stakind4, .stakind5]
  private static let operators: [Column] = [.staop1, .staop2, .staop3, .staop4, .staop5]
  private static let collations: [Column] = [.stacoll1, .stacoll2, .stacoll3, .stacoll4, .stacoll5]
  private static let numbers: [Column] = [.stanumbers1, .stanumbers2, .stanumbers3, .stanumbers4, .stanumbers5]
  private static let values: [Column] = [.stavalues1, .stavalues2, .stavalues3, .stavalues4, .stavalues5]

  // MARK: Reading

  func readStatistics(of oid: UInt32) throws(EngineError) -> [Int: ColumnStatistics] {
    guard let columns = try relation(oid)?.tuple.columns else { return [:] }
    var statistics: [Int: ColumnStatistics] = [:]
    let arena = Arena()
    for row in try rows(Column.self, [.starelid: .oid(oid)]) where !row[.stainherit].bool {
      let index = Int(row[.staattnum].integer) - 1
      guard columns.indices.contains(index), !columns[index].isDropped else { continue }
      let findings = Self.findings(row, columns[index], arena)
      statistics[index] = ColumnStatistics(findings, isByValue: columns[index].isByValue)
    }
    return statistics
  }

  private static func findings(_ row: CatalogRow<Column>, _ column: ColumnDescriptor, _ arena: Arena) -> ColumnFindings
  {
    var findings = ColumnFindings()
    (findings.nullFraction, findings.distinctCount) = (row[.stanullfrac].real, row[.stadistinct].real)
    findings.width = Int32(truncatingIfNeeded: row[.stawidth].integer)
    for slot in kinds.indices {
      switch row[kinds[slot]].integer {
      case Kind.common:
        let values = elements(row[values[slot]], column, arena)
        let frequencies = row[numbers[slot]].elements.map(\.real)
        guard values.count == frequencies.count else { continue }
        (findings.commonValues, findings.commonFrequencies) = (values, frequencies)
      case Kind.histogram:
        let bounds = elements(row[values[slot]], column, arena)
        if bounds.count >= 2 { findings.histogramBounds = bounds }
      case Kind.correlation: findings.correlation = row[numbers[slot]].elements.first?.real
      default: continue
      }
    }
    return findings
  }

  /// The elements of an array of any type: none where it has another type than the column.
  private static func elements(_ value: CatalogValue, _ column: ColumnDescriptor, _ arena: Arena) -> [Datum] {
    guard let type = column.type, case .bytes(let bytes) = value, bytes.count >= 20 else { return [] }
    let array = arena.copy(bytes)
    guard array.bytes.load(at: 8, as: UInt32.self) == type.id.rawValue else { return [] }
    return ArrayType.elements(array, of: type).compactMap(\.self)
  }

  // MARK: Writing

  /// Keeps what was found out about a column, in the place of what was known before.
  func store(_ findings: ColumnFindings, column index: Int, of relation: RelationDescriptor) throws(EngineError) {
    let column = relation.tuple.columns[index]
    let key: [Column: CatalogValue] = [
      .starelid: .oid(relation.oid), .staattnum: .int(index + 1), .stainherit: .bool(false),
    ]
    let known = try first(Column.self, key)
    var row = known ?? CatalogRow<Column>()
    for (column, value) in key { row[column] = value }
    (row[.stanullfrac], row[.stadistinct]) = (.real(findings.nullFraction), .real(findings.distinctCount))
    row[.stawidth] = .int(findings.width)
    for slot in Self.kinds.indices {
      (row[Self.kinds[slot]], row[Self.operators[slot]], row[Self.collations[slot]]) = (.int(0), .oid(0), .oid(0))
      (row[Self.numbers[slot]], row[Self.values[slot]]) = (.null, .null)
    }
    try fill(&row, findings, column)
    if known == nil { try insert(row) } else { try update(row) }
  }

  private func fill(
    _ row: inout CatalogRow<Column>, _ findings: ColumnFindings, _ column: ColumnDescriptor
  ) throws(EngineError) {
    guard let type = column.type else { return }
    let operators = try orderOperators(column)
    let arena = Arena()
    var slot = 0
    func add(_ kind: Int64, _ operatorID: UInt32, numbers: [Float]?, values: [Datum]?) {
      row[Self.kinds[slot]] = .integer(kind)
      (row[Self.operators[slot]], row[Self.collations[slot]]) = (.oid(operatorID), .oid(column.collation))
      if let numbers { row[Self.numbers[slot]] = .array(CatalogArray(.float4, numbers.map { .real($0) })) }
      if let values { row[Self.values[slot]] = .bytes(ArrayType.make(values, of: type, in: arena).bytes.array) }
      slot += 1
    }
    if !findings.commonValues.isEmpty {
      add(Kind.common, operators.equal, numbers: findings.commonFrequencies, values: findings.commonValues)
    }
    if !findings.histogramBounds.isEmpty {
      add(Kind.histogram, operators.less, numbers: nil, values: findings.histogramBounds)
    }
    if let correlation = findings.correlation {
      add(Kind.correlation, operators.less, numbers: [correlation], values: nil)
    }
  }

  /// The operators by which a column's values were compared and ordered.
  private func orderOperators(_ column: ColumnDescriptor) throws(EngineError) -> (equal: UInt32, less: UInt32) {
    let functions = try functions()
    if column.type?.compare == nil {
      guard let hash = functions.defaultOperatorClass(of: column.typeID, accessMethod: SystemOID.hash) else {
        return (0, 0)
      }
      return (functions.operatorID(of: hash, strategy: 1), 0)
    }
    var type = Self.keyType(column)?.id ?? column.typeID
    if functions.defaultOperatorClass(of: type) == nil, column.type?.elementID != TypeID.none { type = .anyArray }
    guard let order = functions.defaultOperatorClass(of: type) else { return (0, 0) }
    return (functions.operatorID(of: order, strategy: 3), functions.operatorID(of: order, strategy: 1))
  }

  /// Forgets what was found out about a relation, or about one of its columns.
  func dropStatistics(of oid: UInt32, column index: Int? = nil) throws(EngineError) {
    var key: [Column: CatalogValue] = [.starelid: .oid(oid)]
    if let index { key[.staattnum] = .int(index + 1) }
    try deleteAll(Column.self, key)
  }
}
