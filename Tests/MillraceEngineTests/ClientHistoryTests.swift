import MillraceTestSupport
import Testing

/// The oracle of the crash tests, which must not be wrong itself.
@Suite struct ClientHistoryTests {
  private func worked(transactions: Int, client: UInt16 = 3) -> ClientHistory {
    var history = ClientHistory(seed: 7, client: client)
    for _ in 0..<transactions {
      let transaction = history.next()
      history.end(transaction, committed: !transaction.isGivenUp)
    }
    return history
  }

  @Test func `the same seed, client and number make the same transactions`() {
    let (first, second) = (worked(transactions: 200), worked(transactions: 200))
    #expect(first.rows == second.rows && first.next().changes == second.next().changes)
    #expect(worked(transactions: 200, client: 4).rows != first.rows)
  }

  @Test func `transactions do everything, on rows that are there, each once`() {
    var history = ClientHistory(seed: 1, client: 2)
    var kinds: Set<String> = []
    for _ in 0..<500 {
      let transaction = history.next()
      var touched: Set<Int64> = []
      for change in transaction.changes {
        switch change {
        case .insert(let row):
          kinds.insert("insert")
          #expect(history.rows[row] == nil && touched.insert(row).inserted && ClientHistory.client(of: row) == 2)
        case .update(let row, let version):
          kinds.insert("update")
          #expect(history.rows[row] == version && touched.insert(row).inserted)
        case .delete(let row, let version):
          kinds.insert("delete")
          #expect(history.rows[row] == version && touched.insert(row).inserted)
        }
      }
      if transaction.isGivenUp { kinds.insert("give up") }
      history.end(transaction, committed: !transaction.isGivenUp)
    }
    #expect(kinds.count == 4)
    #expect((20...200).contains(history.rows.count), "it stays near its usual size")
  }

  @Test func `what was not acknowledged is there as a whole or not at all`() throws {
    let history = worked(transactions: 50)
    let open = history.next()
    try #require(open.changes.count > 1)

    var resumed = history
    #expect(try !resumed.resume(from: history.rows, unacknowledged: open))
    #expect(resumed.rows == history.rows && resumed.number == history.number + 1)
    resumed = history
    #expect(try resumed.resume(from: history.rows(after: open), unacknowledged: open))
    #expect(resumed.rows == history.rows(after: open))

    // Half of it is neither.
    let half = ClientHistory.Transaction(
      number: open.number, changes: Array(open.changes.dropLast()), isGivenUp: open.isGivenUp)
    resumed = history
    #expect(throws: ClientHistory.Mismatch.self) {
      try resumed.resume(from: history.rows(after: half), unacknowledged: open)
    }
    #expect(throws: ClientHistory.Mismatch.self) { try resumed.resume(from: history.rows(after: open)) }
    var lost = history.rows
    lost.removeValue(forKey: try #require(lost.keys.min()))
    #expect(throws: ClientHistory.Mismatch.self) { try resumed.resume(from: lost, unacknowledged: open) }
  }

  @Test func `contents tell their row and version, and every changed byte`() throws {
    for (row, version) in [(Int64(0), UInt32(0)), (5 << 47 | 77 << 4, 3), (Int64.max, .max)] {
      var bytes = RowContents.bytes(row, version)
      let parsed = try #require(RowContents.parse(bytes))
      #expect(parsed.row == row && parsed.version == version)
      for index in bytes.indices {
        bytes[index] ^= 1
        #expect(RowContents.parse(bytes) == nil)
        bytes[index] ^= 1
      }
      #expect(RowContents.parse(Array(bytes.dropLast())) == nil)
    }
  }
}
