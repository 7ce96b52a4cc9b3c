import MillraceEngine
import MillraceStorage
import MillraceTypes

/// Rows by their places: `ctid = …` (src/backend/executor/nodeTidscan.c).
final class TIDScanNode: PlanNode {
  private let table: TableRows
  private let projector: RowProjector
  private let places: [CompiledExpression]
  private let arena = Arena(chunkSize: 256)
  private var found: [TupleIdentifier]?
  private var position = 0
  private var fetcher: HeapFetcher?

  init(_ plan: Plan, _ scan: TableScan, _ places: [TypedExpression], _ runtime: PlanRuntime) throws(SQLError) {
    table = try TableRows(scan, runtime, capacity: PlanRuntime.capacity(expecting: plan.cost.rows))
    self.places = try runtime.compiler.compile(places)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  /// The places, each once, in their order.
  private func findPlaces() throws(SQLError) -> [TupleIdentifier] {
    if let found { return found }
    arena.reset()
    var places: Set<TupleIdentifier> = []
    for expression in self.places {
      guard let value = try expression.value(arena) else { continue }
      if expression.type.id == .tid {
        places.insert(TupleIdentifier(value))
      } else if let element = TypeDescriptor.builtIn[.tid] {
        for case let value? in ArrayType.elements(value, of: element) { places.insert(TupleIdentifier(value)) }
      }
    }
    let sorted = places.sorted()
    found = sorted
    return sorted
  }

  override func produce() throws(SQLError) -> RowBatch? {
    let places = try findPlaces()
    let fetcher = try opened()
    while position < places.count {
      try fill(from: places, fetcher)
      guard table.rows.count > 0 else { continue }
      table.batch.setDense(table.rows.count)
      if let result = try projector.apply(table.batch) { return result }
    }
    return nil
  }

  private func fill(from places: [TupleIdentifier], _ fetcher: HeapFetcher) throws(SQLError) {
    do throws(EngineError) {
      let end = try table.heap.blockCount()
      table.rows.clear()
      while position < places.count, table.rows.count < table.batch.capacity {
        let place = places[position]
        position += 1
        // What is behind the end is simply not there.
        guard place.block.rawValue < end, let tuple = try fetcher.fetchExact(place) else { continue }
        try table.rows.add(tuple, at: place)
      }
    } catch {
      throw SQLError(error)
    }
  }

  private func opened() throws(SQLError) -> HeapFetcher {
    if let fetcher { return fetcher }
    let snapshot = try runtime.snapshot()
    let (heap, session) = (table.heap, session)
    let made = try engine { () throws(EngineError) in try HeapFetcher(heap, session, snapshot: snapshot) }
    fetcher = made
    return made
  }

  override func restart() throws(SQLError) {
    (found, position) = (nil, 0)
    table.rows.clear()
  }

  override func close() {
    table.rows.clear()
    fetcher = nil
  }
}

extension TupleIdentifier {
  /// - Parameter value: of type `tid`.
  init(_ value: Datum) {
    self.init(BlockNumber(TIDType.block(value)), Int(TIDType.offset(value)))
  }
}
