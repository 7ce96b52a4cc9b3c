/// What a client of a workload did and may expect to find: the oracle of the crash tests.
///
/// A client works on rows of its own, one transaction after the other. What a transaction changes follows from the
/// seed, the client's number, the transaction's number and the rows that are there. So a process that has been killed
/// and the one that watches it need to agree on nothing but how many transactions were committed.
package struct ClientHistory: Sendable {
  /// One change of a row. Versions count from 0.
  package enum Change: Sendable, Hashable {
    case insert(Int64)
    case update(Int64, from: UInt32)
    case delete(Int64, from: UInt32)
  }

  package struct Transaction: Sendable {
    package let number: UInt64
    package let changes: [Change]
    /// Whether the client gives it up after its changes.
    package let isGivenUp: Bool

    package init(number: UInt64, changes: [Change], isGivenUp: Bool) {
      (self.number, self.changes, self.isGivenUp) = (number, changes, isGivenUp)
    }
  }

  /// What was found instead.
  package struct Mismatch: Error, CustomStringConvertible {
    package let description: String
  }

  package let seed: UInt64
  package let client: UInt16
  /// Of the next transaction.
  package private(set) var number: UInt64 = 0
  /// Versions of the rows that are committed.
  package private(set) var rows: [Int64: UInt32] = [:]
  /// Their numbers, in order: transactions are many and change few.
  private var present: [Int64]
  /// From here on rows are deleted more often than inserted.
  private let usualRows: Int
  private let changesMax: Int

  /// - Parameters:
  ///   - number: of the next transaction.
  ///   - rows: what the ones before have left.
  ///   - changesMax: of one transaction; at most 16.
  package init(
    seed: UInt64, client: UInt16, number: UInt64 = 0, rows: [Int64: UInt32] = [:], usualRows: Int = 60,
    changesMax: Int = 6
  ) {
    (self.seed, self.client, self.number, self.rows) = (seed, client, number, rows)
    (self.usualRows, self.changesMax) = (usualRows, changesMax)
    present = rows.keys.sorted()
  }

  /// The client that a row belongs to.
  package static func client(of row: Int64) -> UInt16 { UInt16(truncatingIfNeeded: row >> 47) }

  /// The client's next transaction: the same until ``end(_:committed:)``.
  package func next() -> Transaction {
    var random = SeededGenerator(seed: seed ^ UInt64(client) << 48 ^ number &* 0x9E37_79B9_7F4A_7C15)
    var present = present
    var changes: [Change] = []
    for index in 0..<1 + random.below(changesMax) {
      let kind = random.below(10)
      if present.isEmpty || kind < (present.count < usualRows ? 5 : 2) {
        changes.append(.insert(Int64(client) << 47 | Int64(number) << 4 | Int64(index)))
        continue
      }
      // Each row at most once in a transaction, and not those that it inserts.
      let row = present.remove(at: random.below(present.count))
      let version = rows[row] ?? 0
      changes.append(kind < 9 ? .update(row, from: version) : .delete(row, from: version))
    }
    return Transaction(number: number, changes: changes, isGivenUp: random.below(10) == 0)
  }

  /// What is there after a transaction.
  package func rows(after transaction: Transaction) -> [Int64: UInt32] {
    var after = self
    after.apply(transaction)
    return after.rows
  }

  private mutating func apply(_ transaction: Transaction) {
    for change in transaction.changes {
      switch change {
      case .insert(let row):
        rows[row] = 0
        present.insert(row, at: place(of: row))
      case .update(let row, let version): rows[row] = version + 1
      case .delete(let row, _):
        rows[row] = nil
        present.remove(at: place(of: row))
      }
    }
  }

  /// Where a row is among those that are present, or would be.
  private func place(of row: Int64) -> Int {
    var (low, high) = (0, present.count)
    while low < high {
      let middle = (low + high) / 2
      if present[middle] < row { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The next transaction has ended.
  package mutating func end(_ transaction: Transaction, committed: Bool) {
    precondition(transaction.number == number, "transactions end in the order of their numbers")
    if committed { apply(transaction) }
    number += 1
  }

  /// Compares with what is found after a crash, and takes it over.
  /// - Parameters:
  ///   - found: versions of all of the client's rows.
  ///   - unacknowledged: a transaction whose commit had begun, and nobody was told of its end: all of it is there, or
  ///     nothing.
  /// - Returns: whether that was committed.
  @discardableResult
  package mutating func resume(from found: [Int64: UInt32], unacknowledged: Transaction? = nil) throws(Mismatch) -> Bool
  {
    if found == rows {
      if let unacknowledged { end(unacknowledged, committed: false) }
      return false
    }
    if let unacknowledged, found == rows(after: unacknowledged) {
      end(unacknowledged, committed: true)
      return true
    }
    throw Mismatch(description: describe(found, unacknowledged))
  }

  private func describe(_ found: [Int64: UInt32], _ unacknowledged: Transaction?) -> String {
    let lost = rows.filter { found[$0.key] != $0.value }.sorted { $0.key < $1.key }
    let extra = found.filter { rows[$0.key] != $0.value }.sorted { $0.key < $1.key }
    func list(_ rows: [(key: Int64, value: UInt32)]) -> String {
      rows.prefix(5).map { "\(Self.name($0.key)) version \($0.value)" }.joined(separator: ", ")
    }
    var text = "client \(client) has \(rows.count) rows after \(number) transactions; \(lost.count) of them are not as"
    text += " committed (\(list(lost))), and \(extra.count) are found that are not committed (\(list(extra)))"
    if let unacknowledged {
      text += "; transaction \(unacknowledged.number), whose commit was not acknowledged: \(unacknowledged.changes)"
    }
    return text
  }

  private static func name(_ row: Int64) -> String {
    "row \(row & 15) of transaction \(row >> 4 & (1 << 43 - 1))"
  }
}

/// The contents of a row, which follow from its number and version, so that a row that is half there is seen.
package enum RowContents {
  /// The row as bytes: its number, its version, and others that nobody would come up with.
  package static func bytes(_ row: Int64, _ version: UInt32) -> [UInt8] {
    var random = SeededGenerator(seed: UInt64(bitPattern: row) &+ UInt64(version) << 32)
    let length = random.below(16) == 0 ? 200 + random.below(1500) : random.below(160)
    var bytes = [UInt8]()
    bytes.reserveCapacity(12 + length)
    withUnsafeBytes(of: row.littleEndian) { bytes += $0 }
    withUnsafeBytes(of: version.littleEndian) { bytes += $0 }
    while bytes.count < 12 + length {
      withUnsafeBytes(of: random.next()) { bytes += $0.prefix(12 + length - bytes.count) }
    }
    return bytes
  }

  /// The row and version that bytes stand for. - Returns: nil where they are no row as it was written.
  package static func parse(_ bytes: [UInt8]) -> (row: Int64, version: UInt32)? {
    guard bytes.count >= 12 else { return nil }
    let row = bytes.withUnsafeBytes { Int64(littleEndian: $0.loadUnaligned(as: Int64.self)) }
    let version = bytes.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self)) }
    return self.bytes(row, version) == bytes ? (row, version) : nil
  }
}
