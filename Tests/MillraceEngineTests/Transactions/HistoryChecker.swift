/// What concurrent transactions read and wrote, and whether each read was of one moment.
///
/// Every version of a row has a number of its own, and every writer says which version it replaced, so that the order
/// of a row's versions is known afterwards (as in Kingsbury and Alvaro, "Elle", 2020).
struct HistoryChecker {
  /// A transaction that has committed.
  struct Writer {
    /// By row: the version that was replaced, and the one that was written.
    var writes: [Int32: (replaced: Int64, written: Int64)] = [:]
    /// What it had seen before.
    var reads: [[Int32: Int64]] = []
  }

  private(set) var writers: [Writer] = []
  /// Each by a single command: versions by row.
  private(set) var reads: [[Int32: Int64]] = []

  mutating func commit(_ writer: Writer) { writers.append(writer) }
  mutating func note(_ read: [Int32: Int64]) { reads.append(read) }

  /// What is wrong; empty where all is well.
  /// - Parameter first: the versions that the rows began with.
  func check(first: [Int32: Int64]) -> [String] {
    var wrong: [String] = []
    let positions = positions(first, &wrong)
    guard wrong.isEmpty else { return wrong }
    /// Whether a read has what a transaction wrote to a row, or something newer.
    func sees(_ read: [Int32: Int64], _ row: Int32, _ version: Int64) -> Bool? {
      guard let seen = read[row] else { return nil }
      guard let seenAt = positions[seen], let writtenAt = positions[version] else { return false }
      return seenAt >= writtenAt
    }
    var writerOf: [Int64: Int] = [:]
    for (index, writer) in writers.enumerated() {
      for write in writer.writes.values { writerOf[write.written] = index }
    }
    for read in reads + writers.flatMap(\.reads) {
      for (row, version) in read where positions[version] == nil {
        wrong.append("row \(row) was read in a version that nobody committed")
      }
      for (index, writer) in writers.enumerated() {
        let seen = Set(writer.writes.compactMap { sees(read, $0.key, $0.value.written) })
        if seen.count > 1 { wrong.append("a read has one half of transaction \(index)") }
        guard seen == [true] else { continue }
        // What a transaction was built upon is seen with it.
        let earlier = writer.writes.values.map(\.replaced) + writer.reads.flatMap(\.values)
        for cause in Set(earlier.compactMap { writerOf[$0] }) where cause != index {
          for (row, write) in writers[cause].writes where sees(read, row, write.written) == false {
            wrong.append("a read has transaction \(index), but not \(cause), which it was built upon")
          }
        }
      }
    }
    return Array(wrong.prefix(10))
  }

  /// Where each version stands among those of its row.
  private func positions(_ first: [Int32: Int64], _ wrong: inout [String]) -> [Int64: Int] {
    var next: [Int64: Int64] = [:]
    for writer in writers {
      for (row, write) in writer.writes {
        if next.updateValue(write.written, forKey: write.replaced) != nil {
          wrong.append("an update of row \(row) was lost: version \(write.replaced) was replaced twice")
        }
      }
    }
    var positions: [Int64: Int] = [:]
    for version in first.values {
      var (version, position) = (version, 0)
      positions[version] = 0
      while let following = next[version], positions[following] == nil {
        position += 1
        positions[following] = position
        version = following
      }
    }
    for writer in writers {
      for (row, write) in writer.writes where positions[write.written] == nil {
        wrong.append("row \(row): version \(write.written) replaced one that nobody committed")
      }
    }
    return positions
  }
}
