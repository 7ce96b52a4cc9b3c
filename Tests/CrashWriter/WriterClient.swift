import MillraceEngine
import MillraceEngineTestSupport
import MillraceTestSupport

/// One client, on a thread of its own.
final class WriterClient: @unchecked Sendable {
  // Safe because it is used by the thread that runs it, which is started after it was made.

  private var history: ClientHistory
  private var places: [Int64: TupleIdentifier]
  private let store: RowStore
  private let options: WriterOptions

  init(_ history: ClientHistory, places: [Int64: TupleIdentifier], _ store: RowStore, _ options: WriterOptions) {
    (self.history, self.places, self.store, self.options) = (history, places, store, options)
  }

  func run() {
    do {
      let session = try store.makeSession()
      defer { session.leave() }
      let last = options.transactions.map { history.number + $0 } ?? .max
      while history.number < last {
        guard try makeTransaction(session) else { return }
        if history.client == 0, history.number % options.checkpointEvery == 0 { try checkpoint() }
      }
    } catch {
      WriterOutput.line("stopped \(error)")
    }
  }

  private func checkpoint() throws {
    // A checkpoint that fails without stopping the engine comes again.
    do throws(EngineError) { try store.checkpoint() } catch  where error.code != .stopped {}
  }

  /// - Returns: whether the client can go on.
  private func makeTransaction(_ session: RowSession) throws -> Bool {
    let transaction = history.next()
    var changed: [Int64: TupleIdentifier?] = [:]
    do {
      try session.begin()
      for change in transaction.changes { try make(change, session, &changed) }
      if transaction.isGivenUp {
        try session.abort()
        history.end(transaction, committed: false)
        WriterOutput.line("given-up \(history.client) \(transaction.number)")
        return true
      }
    } catch let error as EngineError where error.code != .stopped {
      try session.abort()
      history.end(transaction, committed: false)
      WriterOutput.line("refused \(history.client) \(transaction.number) \(error)")
      return true
    }
    do { try session.commit() } catch {
      WriterOutput.line("unknown \(history.client) \(transaction.number) \(error)")
      return false
    }
    WriterOutput.line("committed \(history.client) \(transaction.number)")
    history.end(transaction, committed: true)
    for (row, place) in changed { places[row] = place }
    return true
  }

  private func make(
    _ change: ClientHistory.Change, _ session: RowSession, _ changed: inout [Int64: TupleIdentifier?]
  ) throws {
    switch change {
    case .insert(let row): changed[row] = try session.insert(RowContents.bytes(row, 0))
    case .update(let row, let version):
      changed[row] = try session.update(try place(of: row), RowContents.bytes(row, version + 1))
    case .delete(let row, _):
      try session.delete(try place(of: row))
      changed[row] = .some(nil)
    }
  }

  private func place(of row: Int64) throws -> TupleIdentifier {
    guard let place = places[row] else { throw WriterError(description: "row \(row) has no place") }
    return place
  }
}
