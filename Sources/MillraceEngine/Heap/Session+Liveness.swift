import MillraceStorage

/// What others are doing to rows: PostgreSQL's SnapshotDirty (HeapTupleSatisfiesDirty, heapam_visibility.c).
extension Session {
  /// How a unique index finds out whether the keys that it has are taken by rows of a table.
  public func uniquenessCheck(
    _ relation: HeapRelation, _ mode: UniquenessCheck.Mode = .immediate
  ) -> UniquenessCheck {
    UniquenessCheck(mode) { place throws(EngineError) in try self.liveness(of: place, in: relation) }
  }

  /// What an index entry leads to, whoever is inserting or deleting it.
  /// - Parameter root: what the index has.
  public func liveness(
    of root: TupleIdentifier, in relation: HeapRelation
  ) throws(EngineError) -> UniquenessCheck.Liveness {
    try liveVersion(of: root, in: relation).liveness
  }

  /// The same, and which version of the row decides.
  public func liveVersion(
    of root: TupleIdentifier, in relation: HeapRelation
  ) throws(EngineError) -> (liveness: UniquenessCheck.Liveness, place: TupleIdentifier) {
    var page = try pin(relation, root.block)
    page.lock(.share, backend: backend)
    var chain = HeapChain(page.bytes, root)
    while let number = chain.number, let tuple = chain.tuple {
      let liveness = try liveness(of: tuple)
      guard case .dead = liveness else { return (liveness, TupleIdentifier(root.block, number)) }
      chain.advance(tuple.isHotUpdated ? try visibility.updater(tuple) : .invalid)
    }
    return (.dead(toAll: try isAllDead(page.bytes, root)), root)
  }

  private func liveness(of tuple: HeapTuple) throws(EngineError) -> UniquenessCheck.Liveness {
    let infomask = tuple.infomask
    if !infomask.contains(.xminCommitted), !infomask.isXminFrozen {
      if infomask.isXminInvalid { return .dead(toAll: false) }
      if transaction.isOwn(tuple.xmin) {
        // Who locks a row and then changes it leaves the lock on the new version.
        if infomask.contains(.xmaxInvalid) || infomask.isXmaxLockOnly { return .live }
        return transaction.isOwn(try visibility.updater(tuple)) ? .dead(toAll: false) : .live
      }
      if database.transactions.isRunning(tuple.xmin) { return .inProgress(tuple.xmin) }
      guard try visibility.hasCommitted(tuple.xmin) else { return .dead(toAll: false) }
    }
    if infomask.contains(.xmaxInvalid) || infomask.isXmaxLockOnly { return .live }
    let updater = try visibility.updater(tuple)
    if infomask.contains(.xmaxCommitted) { return .dead(toAll: false) }
    if transaction.isOwn(updater) { return .dead(toAll: false) }
    if database.transactions.isRunning(updater) { return .inProgress(updater) }
    return try visibility.hasCommitted(updater) ? .dead(toAll: false) : .live
  }
}
