import MillraceEngine
import MillraceStorage
import MillraceWAL

/// Inserts rows and then updates rows drawn at random, until so much has been logged: what there is to recover after a
/// crash.
struct RowChanges {
  let database: Database
  let payload: Int

  struct Result {
    var inserts = 0
    var updates = 0
  }

  /// Changes in one transaction.
  private static let batch = 1000
  /// Of the log, for insertions; updates log about as much each, and touch pages all over.
  private static let insertedPart = 0.4

  /// - Parameter logBytes: at least so much is logged since the checkpoint that it begins with, durably.
  func run(logBytes: Int) throws -> Result {
    let session = try database.makeSession("row changes")
    session.synchronousCommit = .off
    let table = try session.transaction { session throws(EngineError) in
      try session.createRelation(fillFactor: 80)
    }
    try database.checkpoint()
    let start = database.log.reservedPosition.rawValue
    func logged() -> Int { Int(database.log.reservedPosition.rawValue - start) }
    let rows = SampleRows(payload: payload)
    var places: [TupleIdentifier] = []
    var result = Result()
    while logged() < Int(Double(logBytes) * Self.insertedPart) {
      try Interruption.check()
      try session.transaction { session throws(EngineError) in
        for _ in 0..<Self.batch {
          places.append(try session.insert(try rows.row(Int64(places.count)), into: table))
        }
      }
      result.inserts = places.count
    }
    var random = XorShift(seed: 42)
    while logged() < logBytes {
      try Interruption.check()
      try session.transaction { session throws(EngineError) in
        for _ in 0..<Self.batch {
          let index = Int(random.next(below: UInt64(places.count)))
          let row = try rows.row(Int64(index), isUpdated: true)
          if case .done(let place) = try session.update(places[index], of: table, to: row) {
            places[index] = place
            result.updates += 1
          }
          // A row may be drawn twice.
          try session.advanceCommand()
        }
      }
    }
    // What was committed last is to be recovered, too.
    session.synchronousCommit = .on
    try session.transaction { session throws(EngineError) in
      _ = try session.insert(try rows.row(-1), into: table)
    }
    result.inserts += 1
    return result
  }
}
