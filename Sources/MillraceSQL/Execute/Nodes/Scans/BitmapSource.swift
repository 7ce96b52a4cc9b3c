import MillraceEngine
import MillraceTypes

/// What makes a bitmap of rows' places: an index, or several bitmaps together (src/backend/executor/nodeBitmapAnd.c,
/// nodeBitmapOr.c, nodeBitmapIndexscan.c).
class BitmapSource {
  fileprivate final let instrumentation: NodeInstrumentation?
  fileprivate final let runtime: PlanRuntime

  fileprivate init(_ plan: Plan, _ runtime: PlanRuntime) {
    self.runtime = runtime
    instrumentation = runtime.instrument(plan)
  }

  /// - Parameter relation: the table that the places are of.
  static func make(
    _ plan: Plan, _ relation: RelationDescriptor, _ runtime: PlanRuntime
  ) throws(SQLError) -> BitmapSource {
    switch plan.operation {
    case .bitmapIndexScan(let scan): return try BitmapIndexSource(plan, scan, relation, runtime)
    case .bitmapAnd, .bitmapOr: return try BitmapCombination(plan, relation, runtime)
    default: preconditionFailure("a bitmap of what has no places")
    }
  }

  /// Adds what it finds.
  final func fill(_ bitmap: inout TupleBitmap) throws(SQLError) {
    guard let instrumentation else { return try add(to: &bitmap) }
    let start = runtime.startMeasuring()
    try add(to: &bitmap)
    instrumentation.loops += 1
    runtime.noteStartup(start, in: instrumentation)
    runtime.note(start, in: instrumentation)
  }

  fileprivate func add(to bitmap: inout TupleBitmap) throws(SQLError) {
    preconditionFailure("\(type(of: self)) makes no bitmap")
  }
}

private final class BitmapIndexSource: BitmapSource {
  private let tree: BTreeIndex
  private let keys: IndexKeys
  private var scan: BTreeScan?

  init(
    _ plan: Plan, _ scan: IndexScan, _ relation: RelationDescriptor, _ runtime: PlanRuntime
  ) throws(SQLError) {
    guard let index = relation.indexes.first(where: { $0.oid == scan.index }), let tree = index.tree else {
      throw SQLError(.internalError, "index \(scan.index) of relation \"\(relation.name)\" cannot be read")
    }
    self.tree = tree
    keys = try IndexKeys(scan.conditions, tree, runtime)
    super.init(plan, runtime)
  }

  override func add(to bitmap: inout TupleBitmap) throws(SQLError) {
    guard let found = try keys.find() else { return }
    let scan = begun(found)
    let needsRecheck = keys.needsRecheck
    var count: UInt64 = 0
    do throws(EngineError) {
      while let place = try scan.next() {
        bitmap.insert(place, needsRecheck: needsRecheck)
        count += 1
        if count & 1023 == 0 { try runtime.session.checkInterrupts() }
      }
    } catch {
      throw SQLError(error)
    }
    instrumentation?.rows += count
    if let instrumentation { instrumentation.indexSearches = (instrumentation.indexSearches ?? 0) + 1 }
  }

  /// The same scan each time, with the present keys.
  private func begun(_ keys: [IndexScanKey]) -> BTreeScan {
    if let scan {
      scan.rescan(keys)
      return scan
    }
    let made = BTreeScan(tree, runtime.session, keys)
    scan = made
    return made
  }
}

private final class BitmapCombination: BitmapSource {
  private let isAnd: Bool
  private let parts: [BitmapSource]

  init(_ plan: Plan, _ relation: RelationDescriptor, _ runtime: PlanRuntime) throws(SQLError) {
    if case .bitmapAnd = plan.operation { isAnd = true } else { isAnd = false }
    var parts: [BitmapSource] = []
    for input in plan.inputs { parts.append(try BitmapSource.make(input, relation, runtime)) }
    self.parts = parts
    super.init(plan, runtime)
  }

  override func add(to bitmap: inout TupleBitmap) throws(SQLError) {
    guard isAnd, let first = parts.first else {
      for part in parts { try part.fill(&bitmap) }
      return
    }
    var common = TupleBitmap(memoryLimit: runtime.workMemory)
    try first.fill(&common)
    for part in parts.dropFirst() where !common.isEmpty {
      var other = TupleBitmap(memoryLimit: runtime.workMemory)
      try part.fill(&other)
      common.formIntersection(other)
    }
    bitmap.formUnion(common)
  }
}
