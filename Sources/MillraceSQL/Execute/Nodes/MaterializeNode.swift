/// Keeps its input's rows, to give them out again (src/backend/executor/nodeMaterial.c).
final class MaterializeNode: PlanNode {
  private let input: PlanNode
  private let storage: RowStorage
  private let reader: RowStorageReader
  private let projector: RowProjector
  private var versions: ParameterVersions
  private var isComplete = false

  init(_ plan: Plan, _ runtime: PlanRuntime) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    storage = RowStorage(plan.inputs[0].outputTypes, runtime, canSpill: true)
    reader = storage.makeReader()
    versions = ParameterVersions(plan, runtime)
    _ = versions.areUnchanged(runtime.context)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override var inputs: [PlanNode] { [input] }

  override func produce() throws(SQLError) -> RowBatch? {
    while let batch = try nextStored() {
      if let result = try projector.apply(batch) { return result }
    }
    return nil
  }

  private func nextStored() throws(SQLError) -> RowBatch? {
    // What is in a file is read when all of it is there.
    if !storage.isSpilled || isComplete, let batch = try reader.next() { return batch }
    while !isComplete {
      guard let batch = try input.next() else {
        isComplete = true
        break
      }
      try storage.append(batch)
      if !storage.isSpilled { break }
    }
    return try reader.next()
  }

  override func restart() throws(SQLError) {
    reader.rewind()
    if versions.areUnchanged(context) { return }
    storage.removeAll()
    isComplete = false
    try input.rescan()
  }

  override func close() {
    instrumentation?.storage = storage.usage
    storage.removeAll()
  }
}
