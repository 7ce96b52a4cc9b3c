import MillraceIO
public import MillraceStorage

/// What redo does to files, with what the pool and the table of invalid pages must know of it.
extension RedoContext {
  /// Makes the first file of a fork, if it is not there.
  public func createFork(_ locator: RelationLocator, _ fork: ForkNumber) throws(RecoveryError) {
    try files { () throws(IOError) in _ = try storage.create(locator, fork, isRedo: true) }
  }

  /// Cuts a fork off behind its first blocks, if it is longer.
  public func truncate(
    _ locator: RelationLocator, _ forkNumber: ForkNumber, to blockCount: UInt32
  ) throws(RecoveryError) {
    let fork = fork(locator, forkNumber)
    try files { () throws(IOError) in
      pool.drop(fork, from: BlockNumber(blockCount), blockCount: try fork.blockCount(), backend: backend)
      try fork.truncate(to: blockCount, isRedo: true)
    }
    expectedGrowth[fork.id] = nil
    invalidPages.forget(locator, forkNumber, from: blockCount)
  }

  /// Removes a relation with all its forks: what is in the pool, and the files (PostgreSQL's DropRelationFiles).
  public func dropRelation(_ locator: RelationLocator) throws(RecoveryError) {
    for number in ForkNumber.allCases {
      let fork = fork(locator, number)
      let blockCount = try files { () throws(IOError) in try fork.blockCount() }
      pool.drop(fork, blockCount: blockCount, backend: backend)
      expectedGrowth[fork.id] = nil
    }
    storage.unlink(locator, isRedo: true, by: backend)
    forgetForks()
    invalidPages.forget(locator)
  }

  private func files<Result>(_ body: () throws(IOError) -> Result) throws(RecoveryError) -> Result {
    do throws(IOError) { return try body() } catch { throw RecoveryError(error) }
  }
}

extension RedoContext {
  /// Notes that a database is gone: what records said of pages in it needs no more be there.
  public func forgetDatabase(_ database: OID) {
    forgetForks()
    invalidPages.forget(database: database)
  }
}
