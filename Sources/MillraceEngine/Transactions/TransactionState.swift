import MillraceStorage

/// What a transaction sees of others that commit while it runs.
public enum IsolationLevel: Sendable, Hashable {
  /// Each statement sees what had been committed when it began.
  case readCommitted
  /// All statements see what had been committed when the first began; a change of what has been changed since fails.
  case repeatableRead
}

/// The transaction that a session is in, with those nested in it. One object for each session, used again and again, so
/// that beginning and ending allocates nothing.
final class TransactionState {
  /// A transaction, or one nested in it: a savepoint.
  struct Nesting {
    /// Of the savepoint; nil for one that a program made, and for the transaction itself.
    var name: String?
    /// None as long as it changes nothing.
    var xid = TransactionID.invalid
    /// Those that were nested in it and are part of it now.
    var children: [TransactionID] = []
    /// How many relations the transaction had created and dropped when it began.
    var createdBefore = 0
    var droppedBefore = 0
  }

  var isActive = false
  var isolation = IsolationLevel.readCommitted
  var isReadOnly = false
  /// Microseconds since 2000.
  var startTime: Int64 = 0
  /// The command that runs now.
  var command: UInt32 = 0
  var commands = CommandLog()
  /// The transaction first, then what is nested, each in the one before it.
  var nestings: [Nesting] = []
  /// Relations whose files go if it is rolled back, and if it commits.
  var created: [RelationLocator] = []
  var dropped: [RelationLocator] = []
  /// All numbers that are this transaction's, in their order.
  private(set) var numbers: [TransactionID] = []

  func begin(_ isolation: IsolationLevel, isReadOnly: Bool, startTime: Int64) {
    isActive = true
    (self.isolation, self.isReadOnly, self.startTime) = (isolation, isReadOnly, startTime)
    command = 0
    nestings.append(Nesting())
  }

  func end() {
    isActive = false
    nestings.removeAll(keepingCapacity: true)
    created.removeAll(keepingCapacity: true)
    dropped.removeAll(keepingCapacity: true)
    numbers.removeAll(keepingCapacity: true)
    commands.removeAll()
  }

  /// The transaction's own number; invalid where it has none.
  @inline(__always) var xid: TransactionID { nestings.first?.xid ?? .invalid }

  /// The number of the innermost.
  @inline(__always) var innermost: TransactionID { nestings.last?.xid ?? .invalid }

  /// Whether a number is the transaction's, or that of one nested in it that has not been rolled back
  /// (TransactionIdIsCurrentTransactionId).
  @inline(__always) func isOwn(_ xid: TransactionID) -> Bool {
    guard !numbers.isEmpty else { return false }
    if numbers[0] == xid { return true }
    return numbers.count > 1 && isNested(xid)
  }

  @inline(never) private func isNested(_ xid: TransactionID) -> Bool {
    var (low, high) = (1, numbers.count)
    while low < high {
      let middle = (low + high) / 2
      if numbers[middle] == xid { return true }
      if numbers[middle].precedes(xid) { low = middle + 1 } else { high = middle }
    }
    return false
  }

  /// Numbers are given out in rising order, to the outer ones first.
  func note(_ xid: TransactionID, at level: Int) {
    nestings[level].xid = xid
    numbers.append(xid)
  }

  /// Ends the innermost; it is part of the one around it now.
  func mergeInnermost() {
    let ended = nestings.removeLast()
    guard ended.xid.isValid else { return }
    nestings[nestings.count - 1].children.append(ended.xid)
    nestings[nestings.count - 1].children += ended.children
  }

  /// Forgets the innermost, which was rolled back.
  func dropInnermost() {
    let ended = nestings.removeLast()
    guard ended.xid.isValid else { return }
    // What is nested in one came after it.
    while let last = numbers.last, last != ended.xid { numbers.removeLast() }
    numbers.removeLast()
    created.removeSubrange(ended.createdBefore...)
    dropped.removeSubrange(ended.droppedBefore...)
  }
}
