import MillraceEngine
import MillraceStorage
import MillraceTypes

/// `pg_prewarm`, after PostgreSQL's extension of that name (contrib/pg_prewarm).
extension FunctionRegistry {
  mutating func addPrewarming() {
    session("pg_prewarm") { (call) throws(SQLError) in try Prewarming.run(call) }
  }
}

/// All modes read through a stream, in the class of what nobody waits for: `buffer` into the shared buffers to stay,
/// `read` and `prefetch` through a ring of few buffers, for the kernel's cache.
private enum Prewarming {
  private static func invalid(_ message: String) -> SQLError { SQLError(.invalidParameterValue, message) }

  static func run(_ call: CallFrame) throws(SQLError) -> Datum? {
    guard let oid = call.optional(0)?.oid else { throw invalid("relation cannot be null") }
    guard let mode = call.optional(1)?.bytes.string else { throw invalid("prewarm type cannot be null") }
    guard ["prefetch", "read", "buffer"].contains(mode) else {
      throw SQLError(
        .invalidParameterValue, "invalid prewarm type",
        hint: "Valid prewarm types are \"prefetch\", \"read\", and \"buffer\".")
    }
    guard let name = call.optional(2)?.bytes.string else { throw invalid("relation fork cannot be null") }
    guard let fork = ForkNumber.allCases.first(where: { $0.description == name }) else {
      throw SQLError(
        .invalidParameterValue, "invalid fork name",
        hint: "Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\".")
    }
    let count = try self.count(call, oid, fork)
    for (place, block) in [("starting", call.optional(3)?.int64), ("ending", call.optional(4)?.int64)] {
      guard let block, block < 0 || block >= count else { continue }
      throw invalid("\(place) block number must be between 0 and \(count - 1)")
    }
    let (start, end) = (call.optional(3)?.int64 ?? 0, (call.optional(4)?.int64 ?? count - 1) + 1)
    guard start < end else { return Datum(Int64(0)) }
    return try call.engine { () throws(EngineError) in
      Datum(
        try call.catalog.prewarm(
          call.catalog.requiredRelation(oid), fork, blocks: UInt32(start)..<UInt32(end), keepsPages: mode == "buffer"))
    }
  }

  /// The fork's blocks.
  private static func count(_ call: CallFrame, _ oid: UInt32, _ fork: ForkNumber) throws(SQLError) -> Int64 {
    let (relation, size) = try call.engine { () throws(EngineError) in
      try call.catalog.lock(oid, .accessShare)
      let relation = try call.catalog.requiredRelation(oid)
      return (relation, try call.catalog.size(of: relation, fork))
    }
    guard relation.kind.hasStorage else {
      throw SQLError(
        .wrongObjectType, "relation \"\(relation.name)\" does not have storage",
        detail: "This operation is not supported for \(relation.kind.noun)s.")
    }
    if size == 0, fork != .main { throw invalid("fork \"\(fork)\" does not exist for this relation") }
    return size / Int64(PageLayout.blockSize)
  }
}
