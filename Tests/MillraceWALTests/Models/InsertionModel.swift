/// Insertion as ``Reservation`` and ``InsertionSlots`` do it, step by step: inserters, a reader of the completed
/// prefix, and a checkpoint that begins an epoch. Sequentially consistent; that the orderings in the code suffice for
/// this is argued there.
struct InsertionModel: InterleavingModel {
  /// What is done wrongly on purpose, to see that the model notices.
  enum Mistake: Hashable, CaseIterable {
    case announcesAfterReserving
    case readsSlotsBeforeReservation
    case ignoresEpoch
    case storesRedoAfterEpoch
    case finishesBeforeCopying
  }

  private struct Inserter: Hashable {
    var pc = 0
    var seen = 0
    var epoch = 0
    var image = false
    var start = 0
    var left: Int
  }

  private struct Reader: Hashable {
    var pc = 0
    var lowest = 0
    var left: Int
  }

  private struct Checkpoint: Hashable {
    var pc = 0
    var seen = 0
    var epoch = 0
    var left: Int
  }

  private static let recordSize = 2
  private static let idle = Int.max

  let mistake: Mistake?
  private var next = 0
  private var epoch = 0
  private var redo = [0, 0]
  private var slots: [Int]
  /// Units of the log that have been copied, one bit each.
  private var copied: UInt64 = 0
  /// What the last checkpoint has really fixed.
  private var trueRedo = 0
  /// The page that all records change: the end of the last one. Its lock is held by one inserter at a time.
  private var pageLSN = 0
  private var pageOwner = -1
  private var inserters: [Inserter]
  private var reader: Reader
  private var checkpoint: Checkpoint
  private(set) var violation: String?

  init(inserters: Int, records: Int, reads: Int, checkpoints: Int, mistake: Mistake? = nil) {
    self.mistake = mistake
    slots = Array(repeating: Self.idle, count: inserters)
    self.inserters = Array(repeating: Inserter(left: records), count: inserters)
    reader = Reader(left: reads)
    checkpoint = Checkpoint(left: checkpoints)
  }

  var isFinished: Bool { inserters.allSatisfy { $0.left == 0 } && reader.left == 0 && checkpoint.left == 0 }

  var successors: [InsertionModel] {
    var states: [InsertionModel] = []
    for index in inserters.indices where inserters[index].left > 0 {
      var state = self
      if state.stepInserter(index) { states.append(state) }
    }
    if reader.left > 0 {
      var state = self
      state.stepReader()
      states.append(state)
    }
    if checkpoint.left > 0 {
      var state = self
      state.stepCheckpoint()
      states.append(state)
    }
    return states
  }

  /// Only the first inserter changes the page: one page needs no more than its lock, and so the model stays small.
  private mutating func stepInserter(_ index: Int) -> Bool {
    switch inserters[index].pc {
    case 0:
      // Lock the page; look at the epoch.
      guard pageOwner == -1 || pageOwner == index || index > 0 else { return false }
      if index == 0 { pageOwner = 0 }
      inserters[index].epoch = epoch
    case 1: inserters[index].image = pageLSN <= redo[inserters[index].epoch & 1]
    case 2: inserters[index].seen = next
    case 3: if mistake != .announcesAfterReserving { slots[index] = inserters[index].seen }
    case 4: return reserve(index)
    case 5: if mistake == .announcesAfterReserving { slots[index] = inserters[index].start }
    case 6: if mistake == .finishesBeforeCopying { slots[index] = Self.idle } else { copy(index, 0) }
    case 7: if mistake == .finishesBeforeCopying { copy(index, 0) } else { slots[index] = inserters[index].start + 1 }
    case 8: copy(index, 1)
    default:
      slots[index] = Self.idle
      if index == 0 {
        pageLSN = inserters[index].start + Self.recordSize
        pageOwner = -1
      }
      inserters[index] = Inserter(left: inserters[index].left - 1)
      return true
    }
    inserters[index].pc += 1
    return true
  }

  private mutating func copy(_ index: Int, _ unit: Int) { copied |= 1 << UInt64(inserters[index].start + unit) }

  /// The compare-and-swap: with what is there now, as long as the epoch is the one that was decided by.
  private mutating func reserve(_ index: Int) -> Bool {
    if epoch != inserters[index].epoch, mistake != .ignoresEpoch {
      slots[index] = Self.idle
      inserters[index].pc = 0
      return true
    }
    guard inserters[index].seen == next else {
      // What the failed one has brought is used for the next.
      inserters[index].seen = next
      return true
    }
    inserters[index].start = next
    next += Self.recordSize
    if index == 0, inserters[index].image != (pageLSN <= trueRedo) {
      violation = "a record has a place behind a redo position that its full-page decision does not know"
    }
    inserters[index].pc += 1
    return true
  }

  private mutating func stepReader() {
    // The order of reading: the reservation, then the slots; or the mistake.
    let readsReservation = mistake == .readsSlotsBeforeReservation ? slots.count : 0
    if reader.pc == 0 { reader.lowest = Self.idle }
    if reader.pc == readsReservation {
      reader.lowest = min(reader.lowest, next)
    } else {
      reader.lowest = min(reader.lowest, slots[reader.pc < readsReservation ? reader.pc : reader.pc - 1])
    }
    reader.pc += 1
    guard reader.pc > slots.count else { return }
    if let missing = (0..<reader.lowest).first(where: { copied & 1 << UInt64($0) == 0 }) {
      violation = "the log was taken for complete up to \(reader.lowest), and \(missing) is not copied"
    }
    reader = Reader(left: reader.left - 1)
  }

  private mutating func stepCheckpoint() {
    switch checkpoint.pc {
    case 0: (checkpoint.seen, checkpoint.epoch) = (next, epoch)
    case 1: if mistake != .storesRedoAfterEpoch { redo[(checkpoint.epoch + 1) & 1] = checkpoint.seen }
    case 2:
      guard checkpoint.seen == next else {
        checkpoint.pc = 0
        return
      }
      // A shutdown's: its redo position is where the next record starts.
      epoch += 1
      trueRedo = next
    default:
      if mistake == .storesRedoAfterEpoch { redo[(checkpoint.epoch + 1) & 1] = checkpoint.seen }
      checkpoint = Checkpoint(left: checkpoint.left - 1)
      return
    }
    checkpoint.pc += 1
  }
}
