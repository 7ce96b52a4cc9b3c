import MillraceIO

/// What becomes of the writes in flight.
extension WriteStream {
  /// Takes back what has ended, without waiting.
  func retireFinished() {
    while own.pointee.inFlight > 0,
      backend.isCompleted(own.pointee.operations[own.pointee.oldest].reference)
    { retireOldest() }
  }

  /// Waits for the oldest write and looks at what became of it.
  func retireOldest() {
    let operation = own.pointee.operations + own.pointee.oldest
    if backend.wait(for: operation.pointee.reference) { own.pointee.statistics.waitCount += 1 }
    let (outcome, block, count) = (operation.pointee.outcome, operation.pointee.block, operation.pointee.count)
    own.pointee.oldest = own.pointee.oldest + 1 == maxIOs ? 0 : own.pointee.oldest + 1
    own.pointee.inFlight -= 1
    own.pointee.reserved -= count
    budget.release(count)
    guard let fork = operation.pointee.fork else { fatalError("invariant broken: a write without a fork") }
    if outcome.status == .ok {
      collectWriteback(fork, block, UInt32(count))
    } else {
      let written = outcome.status == .failed ? 0 : Int(outcome.result)
      own.pointee.statistics.failedCount += UInt64(count - written)
      fork._withUnsafeGuaranteedRef {
        note(pool.writeFailure(outcome, path: $0.path, blocks: block..<block + UInt32(count)))
      }
    }
  }
}
