/// Which command of a transaction inserted and which deleted a tuple, where both are of the same transaction: a tuple
/// has room for one number only, which then stands for a pair (PostgreSQL's combocid.c). Nobody else ever asks.
struct CommandLog {
  private struct Pair: Hashable {
    let inserted, deleted: UInt32
  }

  private var pairs: [Pair] = []
  private var numbers: [Pair: UInt32] = [:]

  mutating func removeAll() {
    guard !pairs.isEmpty else { return }
    pairs.removeAll()
    numbers.removeAll()
  }

  /// The command that inserted a tuple of this transaction.
  func inserter(of tuple: HeapTuple) -> UInt32 {
    pair(of: tuple)?.inserted ?? tuple.command
  }

  /// The command that deleted a tuple of this transaction, which this transaction deleted.
  func deleter(of tuple: HeapTuple) -> UInt32 {
    pair(of: tuple)?.deleted ?? tuple.command
  }

  /// What the number in a tuple stands for; nil where it is a command's own, also because the tuple is damaged.
  private func pair(of tuple: HeapTuple) -> Pair? {
    guard tuple.infomask.contains(.comboCommand), Int(tuple.command) < pairs.count else { return nil }
    return pairs[Int(tuple.command)]
  }

  /// What goes into a tuple that a command of this transaction deletes (`HeapTupleHeaderAdjustCmax`).
  /// - Parameter isOwn: whether the same transaction inserted it.
  mutating func number(deleting tuple: HeapTuple, by command: UInt32, isOwn: Bool) -> (number: UInt32, isCombo: Bool) {
    guard isOwn else { return (command, false) }
    let pair = Pair(inserted: inserter(of: tuple), deleted: command)
    if let known = numbers[pair] { return (known, true) }
    pairs.append(pair)
    numbers[pair] = UInt32(pairs.count - 1)
    return (UInt32(pairs.count - 1), true)
  }
}
