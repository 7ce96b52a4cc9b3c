import MillraceEngine
import MillraceEngineTestSupport
import MillraceTestSupport

/// A client of a run: goes through its transactions one step at a time, others' steps between.
final class SimulatedClient {
  private let number: Int
  private let server: SimulatedServer
  private let session: RowSession
  /// Where its rows are.
  private var places: [Int64: TupleIdentifier]
  private var transaction: ClientHistory.Transaction?
  private var done = 0
  /// What the transaction has done to `places`.
  private var changed: [Int64: TupleIdentifier?] = [:]
  /// The end of its commit is not known: it does nothing more.
  private var isFinished = false

  init(_ number: Int, _ server: SimulatedServer) throws {
    (self.number, self.server) = (number, server)
    session = try server.makeSession()
    places = server.places.filter { ClientHistory.client(of: $0.key) == UInt16(number) }
  }

  func step(_ run: EngineSimulation) throws {
    if isFinished { return }
    guard let transaction else {
      try run.attempt {
        try session.begin()
        self.transaction = run.histories[number].next()
        done = 0
        changed = [:]
      }
      return
    }
    do {
      if done < transaction.changes.count {
        try make(transaction.changes[done])
        done += 1
      } else if transaction.isGivenUp {
        try giveUp(transaction, run)
      } else {
        try commit(transaction, run)
      }
    } catch let error as EngineError {
      try run.justify(error)
      if !isFinished { try giveUp(transaction, run) }
    }
  }

  private func make(_ change: ClientHistory.Change) throws {
    switch change {
    case .insert(let row): changed[row] = try session.insert(RowContents.bytes(row, 0))
    case .update(let row, let version):
      guard let place = places[row] else { preconditionFailure("the oracle changes a row that is not there") }
      changed[row] = try session.update(place, RowContents.bytes(row, version + 1))
    case .delete(let row, _):
      guard let place = places[row] else { preconditionFailure("the oracle deletes a row that is not there") }
      try session.delete(place)
      changed[row] = .some(nil)
    }
  }

  private func commit(_ transaction: ClientHistory.Transaction, _ run: EngineSimulation) throws {
    // From here on its end is known only when it is acknowledged.
    run.unacknowledged[number] = transaction
    isFinished = true
    try session.commit()
    isFinished = false
    run.unacknowledged[number] = nil
    run.note("client \(number) committed \(transaction.number)")
    run.encounters.commits += 1
    run.histories[number].end(transaction, committed: true)
    for (row, place) in changed { places[row] = place }
    self.transaction = nil
  }

  private func giveUp(_ transaction: ClientHistory.Transaction, _ run: EngineSimulation) throws {
    run.note("client \(number) aborts \(transaction.number)")
    run.encounters.aborts += 1
    run.histories[number].end(transaction, committed: false)
    self.transaction = nil
    do throws(EngineError) { try session.abort() } catch {
      try run.justify(error)
      // Whether it can go on does not matter: the transaction cannot be committed any more.
      isFinished = true
    }
  }

  /// The machine, or the engine, has stopped, or the client shall: what it was doing is over.
  func stop(_ run: EngineSimulation) {
    if run.unacknowledged[number] != nil {
      run.encounters.unacknowledged += 1
    } else if let transaction {
      run.histories[number].end(transaction, committed: false)
    }
    transaction = nil
  }

  func leave() { session.leave() }
}
