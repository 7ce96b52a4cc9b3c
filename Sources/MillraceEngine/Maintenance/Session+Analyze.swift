import MillraceIO
import MillraceStorage
import MillraceTypes

/// How a table is analyzed.
public struct AnalyzeOptions: Sendable {
  /// How many most common values, and parts of a histogram, are kept of a column that has no number of its own:
  /// `default_statistics_target`.
  public var target = 100
  /// Columns, from 0; nil for all.
  public var columns: Set<Int>?
  /// Whether it counts as done in the background.
  public var isAutomatic = false
  /// The same for the same table takes the same sample.
  public var seed: UInt64 = 0

  public init() {}
}

/// What an ANALYZE has found.
public struct AnalyzeResult: Sendable, Equatable {
  public var pages: UInt32
  public var sampledPages: UInt32
  public var sampledRows: Int
  /// Of the table, as estimated.
  public var liveRows: Double
  public var deadRows: Double
}

/// ANALYZE (PostgreSQL's do_analyze_rel, src/backend/commands/analyze.c).
extension Session {
  /// Takes a sample of a table's rows, and puts what that says of it into `pg_statistic` and `pg_class`.
  ///
  /// In a transaction, which holds the table in mode `shareUpdateExclusive` from then on.
  /// - Parameter progress: called after each page with how many of how many have been read.
  /// - Returns: nil where there is no such table (any more), or it is of a kind that has no rows of its own.
  /// - Throws: ``EngineError``.
  public func analyze(
    _ oid: UInt32, _ options: AnalyzeOptions = AnalyzeOptions(), progress: (UInt32) -> Void = { _ in }
  ) throws(EngineError) -> AnalyzeResult? {
    guard let relation = try catalog.open(oid, .shareUpdateExclusive), let heap = relation.heap,
      relation.kind == .table || relation.kind == .materializedView
    else { return nil }
    let start = monotonicNanoseconds()
    let targets = try catalog.statisticsTargets(of: relation, options)
    let sample = RowSample(wanted: 300 * max(targets.values.max() ?? 0, 1), seed: options.seed ^ UInt64(oid))
    try sample.take(heap, self, progress: progress)
    for (column, target) in targets.sorted(by: { $0.key < $1.key }) {
      try checkInterrupts()
      var analysis = ColumnAnalysis()
      (analysis.target, analysis.tableRows) = (target, sample.liveRows)
      let arena = Arena()
      try analysis.add(column, of: relation.tuple, sample, self, arena)
      let descriptor = relation.tuple.columns[column]
      guard let findings = analysis.findings(descriptor.type, length: descriptor.length) else { continue }
      try catalog.store(findings, column: column, of: relation)
    }
    try updateCounts(relation, sample)
    try advanceCommand()
    report(sample, of: heap, options, microseconds: (monotonicNanoseconds() - start) / 1000)
    return AnalyzeResult(
      pages: sample.pages, sampledPages: sample.sampledPages, sampledRows: sample.rows.count,
      liveRows: sample.liveRows, deadRows: sample.deadRows)
  }

  private func report(_ sample: RowSample, of heap: HeapRelation, _ options: AnalyzeOptions, microseconds: UInt64) {
    let now = database.microsecondsSince2000()
    database.statistics.entry(RelationKey(database: heap.locator.database, oid: heap.oid)).update { value in
      (value.liveTuples, value.deadTuples) = (Int64(sample.liveRows), Int64(sample.deadRows))
      if options.columns == nil { value.changesSinceAnalyze = 0 }
      if options.isAutomatic {
        value.autoanalyzes.note(at: now, microseconds: microseconds)
      } else {
        value.analyzes.note(at: now, microseconds: microseconds)
      }
    }
  }

  private func updateCounts(_ relation: RelationDescriptor, _ sample: RowSample) throws(EngineError) {
    guard let heap = relation.heap else { return }
    let (visible, frozen) = try VisibilityMap(heap, self).counts()
    try catalog.storeCounts(
      of: relation.oid, RelationCounts(pages: sample.pages, rows: sample.liveRows, visible: visible, frozen: frozen))
    // How many rows an index of some rows has, nobody has counted.
    for index in relation.indexes where index.predicate == nil {
      guard let tree = index.tree else { continue }
      let pages: UInt32
      do throws(IOError) { pages = try tree.fork.blockCount() } catch { throw EngineError(error) }
      try catalog.storeCounts(of: index.oid, RelationCounts(pages: pages, rows: sample.liveRows))
    }
    catalog.noteChange(.relation(relation.oid))
  }
}

extension ColumnAnalysis {
  /// Takes a column's values from a sample.
  /// - Parameter arena: for values that are not stored in their rows.
  mutating func add(
    _ column: Int, of tuple: TupleDescriptor, _ sample: RowSample, _ session: Session, _ arena: Arena
  ) throws(EngineError) {
    let descriptor = tuple.columns[column]
    let deformer = tuple.deformer(for: [column])
    let slot = TupleSlot(count: tuple.count)
    values.reserveCapacity(sample.rows.count)
    for row in sample.rows {
      guard let stored = sample.tuple(row), deformer.deform(stored, slot.values, slot.nulls) else {
        throw EngineError(.corrupted, "tuple \(row.identifier) is damaged")
      }
      rows += 1
      guard let datum = slot[column] else {
        nulls += 1
        continue
      }
      if descriptor.length < 0 {
        totalWidth += Double(Self.storedWidth(datum, descriptor))
        // A value that is so wide is hardly there twice, and would make the statistics large.
        if try session.rawLength(of: datum) > Self.widthMax {
          tooWide += 1
          continue
        }
      }
      values.append(try session.detoasted(datum, in: arena))
    }
  }

  /// With its header, of one byte where that is enough.
  private static func storedWidth(_ datum: Datum, _ column: ColumnDescriptor) -> Int {
    if datum.isToasted || column.length == -2 { return datum.count + (column.length == -2 ? 1 : 0) }
    return datum.count + (datum.count < 127 && column.storage != .plain ? 1 : 4)
  }
}
