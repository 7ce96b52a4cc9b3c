import MillraceIO
import MillraceSettings
import MillraceStorage

/// A random sample of a table's rows, and how many there are: what ANALYZE works on (acquire_sample_rows,
/// src/backend/commands/analyze.c). On its session's thread.
///
/// In two stages that run at once: of the pages as many as rows are wanted are chosen, each with equal chance, by one
/// pass over their numbers (Knuth, The Art of Computer Programming, volume 2, algorithm S), and read ahead; of their
/// rows a reservoir keeps as many as are wanted (Vitter, Random Sampling with a Reservoir, 1985, algorithm X).
public final class RowSample {
  /// A row of the sample: a copy, valid as long as the sample.
  public struct Row {
    public let identifier: TupleIdentifier
    fileprivate let offset, count: Int
  }

  /// In the order of their places.
  public private(set) var rows: [Row] = []
  /// Estimates for the whole table, from the pages that were read.
  public private(set) var liveRows = 0.0
  public private(set) var deadRows = 0.0
  public private(set) var pages: UInt32 = 0
  public private(set) var sampledPages: UInt32 = 0

  private let wanted: Int
  private var random: SampleRandom
  private var slots: [[UInt8]] = []
  private var places: [TupleIdentifier] = []
  private var memory: UnsafeMutableRawBufferPointer?

  /// - Parameters:
  ///   - wanted: rows at most: 300 for each value of `default_statistics_target`.
  ///   - seed: the same for the same table gives the same sample.
  public init(wanted: Int, seed: UInt64) {
    precondition(wanted > 0, "a sample of no rows")
    self.wanted = wanted
    random = SampleRandom(state: seed)
  }

  deinit { memory?.deallocate() }

  /// Takes the sample.
  /// - Parameters:
  ///   - session: in a transaction.
  ///   - progress: called after each page with how many have been read.
  /// - Throws: ``EngineError``.
  public func take(
    _ relation: HeapRelation, _ session: Session, progress: (UInt32) -> Void = { _ in }
  ) throws(EngineError) {
    let database = session.database
    pages = try relation.blockCount()
    let horizon = database.transactions.removalHorizon()
    var blocks = BlockSampler(count: pages, wanted: UInt32(min(wanted, Int(UInt32.max))), seed: random.next())
    let chosen = blocks.all()
    let strategy = database.vacuumStrategy(for: relation, count: 256)
    var configuration = database.readStreamConfiguration
    configuration.ioConcurrency = max(database.settings[.maintenanceIOConcurrency], 1)
    let stream = ReadStream(
      relation.pool, session.backend, relation.fork, BlockList(chosen), strategy: strategy,
      configuration: configuration)
    var (live, dead): (UInt64, UInt64) = (0, 0)
    while true {
      try session.checkInterrupts()
      var next: PinnedBuffer?
      do throws(StorageError) { next = try stream.next() } catch { throw EngineError(error) }
      guard var page = next.take() else { break }
      page.lock(.share, backend: session.backend)
      try look(&page, horizon, session, &live, &dead)
      page.unlock()
      sampledPages += 1
      progress(sampledPages)
    }
    if sampledPages > 0 {
      let factor = Double(pages) / Double(sampledPages)
      liveRows = (Double(live) * factor).rounded()
      deadRows = (Double(dead) * factor).rounded()
    }
    pack()
  }

  /// A row as it was: header and columns.
  public func tuple(_ row: Row) -> HeapTuple? {
    guard let memory else { return nil }
    return HeapTuple(UnsafeMutableRawBufferPointer(rebasing: memory[row.offset..<row.offset + row.count]))
  }

  /// What counts as a row is what is there now, and what is being deleted or was inserted by the own transaction
  /// (heapam_scan_analyze_next_tuple).
  private func look(
    _ page: inout PinnedBuffer, _ horizon: TransactionID, _ session: Session, _ live: inout UInt64,
    _ dead: inout UInt64
  ) throws(EngineError) {
    let heap = HeapPage(UnsafeMutableRawPointer(mutating: page.bytes), block: page.block)
    for number in 1..<heap.editor.itemCount + 1 {
      if heap.editor.linePointer(number).state == .dead { dead += 1 }
      guard let tuple = heap.tuple(number) else { continue }
      var hints: Infomask = []
      switch try session.visibility.status(of: tuple, horizon: horizon, pageLSN: page.lsn, hints: &hints) {
      case .live: break
      case .dead, .recentlyDead:
        dead += 1
        continue
      case .insertInProgress:
        guard session.transaction.isOwn(tuple.xmin) else { continue }
      case .deleteInProgress:
        // Its deleter may yet fail; the own one will not be counted.
        if session.transaction.isOwn(try session.visibility.updater(tuple)) {
          dead += 1
          continue
        }
      }
      live += 1
      keep(tuple, TupleIdentifier(heap.block, number), seen: live)
    }
  }

  private func keep(_ tuple: HeapTuple, _ place: TupleIdentifier, seen: UInt64) {
    if slots.count < wanted {
      slots.append([UInt8](tuple.bytes))
      places.append(place)
      return
    }
    let slot = random.below(seen)
    guard slot < UInt64(wanted) else { return }
    slots[Int(slot)] = [UInt8](tuple.bytes)
    places[Int(slot)] = place
  }

  /// Puts the rows into one piece of memory, each aligned as tuples are.
  private func pack() {
    let total = slots.reduce(0) { $0 + PageLayout.aligned($1.count) }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(total, 8), alignment: 8)
    var offset = 0
    for index in slots.indices.sorted(by: { places[$0] < places[$1] }) {
      let bytes = slots[index]
      UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + bytes.count]).copyBytes(from: bytes)
      rows.append(Row(identifier: places[index], offset: offset, count: bytes.count))
      offset += PageLayout.aligned(bytes.count)
    }
    self.memory = memory
    (slots, places) = ([], [])
  }
}

/// Chooses some of a number of blocks, rising (BlockSampler, src/backend/utils/misc/sampling.c).
struct BlockSampler {
  private let count: UInt32
  private var left: UInt32
  private var next: UInt32 = 0
  private var random: SampleRandom

  init(count: UInt32, wanted: UInt32, seed: UInt64) {
    (self.count, left, random) = (count, min(wanted, count), SampleRandom(state: seed))
  }

  mutating func all() -> [BlockNumber] {
    var chosen: [BlockNumber] = []
    chosen.reserveCapacity(Int(left))
    while left > 0 {
      let remaining = count - next
      // Each of those that remain is chosen with the chance that is left for it.
      if remaining <= left || random.below(UInt64(remaining)) < UInt64(left) {
        chosen.append(BlockNumber(next))
        left -= 1
      }
      next += 1
    }
    return chosen
  }
}

/// Numbers that look random and follow from a seed: SplitMix64 (Steele, Lea and Flood, 2014).
struct SampleRandom {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return bits ^ bits >> 31
  }

  /// From 0 to below `end`, each as often as another but for a part in 2⁶⁴.
  mutating func below(_ end: UInt64) -> UInt64 { next().multipliedFullWidth(by: end).high }
}

@available(*, unavailable, message: "a sample is used by its session's thread")
extension RowSample: Sendable {}
