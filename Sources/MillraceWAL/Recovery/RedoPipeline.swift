import MillraceIO
import MillraceStorage

/// Has a thread read the log (`walreader` in `ps -T`) while the one that recovers repeats what has been read: two
/// batches go to and fro between them.
final class RedoPipeline: Sendable {
  /// A batch, and what is behind it.
  final class Piece: @unchecked Sendable {
    // Safe because it is always with one of the two threads.
    var batch: RedoBatch
    var goesOn = true
    var failure: RecoveryError?

    init(limit: Int) throws(IOError) { batch = try RedoBatch(limit: limit) }

    /// Fills it anew.
    func fill(from collector: RedoCollector) {
      batch.removeAll(isTurned: collector.batchCount % 2 == 1)
      do throws(RecoveryError) { goesOn = try collector.fill(&batch) } catch { failure = error }
    }
  }

  private struct Pieces {
    var empty: [Piece]
    var filled: [Piece] = []
    var isStopped = false
  }

  private let pieces: Locked<Pieces>
  private let emptied = Latch()
  private let filled = Latch()
  private static let patience: Int64 = 1_000_000_000

  /// - Parameter limit: bytes of memory of each of the two.
  /// - Throws: ``IOError`` where there is none.
  init(limit: Int) throws(IOError) {
    let empty = [try Piece(limit: limit), try Piece(limit: limit)]
    pieces = Locked(Pieces(empty: empty))
  }

  // MARK: The thread that reads

  /// Starts it. It ends with the log, with a failure, or when ``stop()`` is called.
  /// - Throws: ``IOError`` where there is no thread to be had.
  func start(_ collector: RedoCollector) throws(IOError) -> NamedThread {
    try NamedThread("walreader") { [self] in
      while let piece = takeEmpty() {
        piece.fill(from: collector)
        let isLast = !piece.goesOn || piece.failure != nil
        pieces.withLock { $0.filled.append(piece) }
        filled.set()
        if isLast { break }
      }
      collector.close()
    }
  }

  /// - Returns: nil where nobody wants to read on.
  private func takeEmpty() -> Piece? {
    while true {
      emptied.reset()
      let (piece, isStopped) = pieces.withLock { ($0.isStopped ? nil : $0.empty.popLast(), $0.isStopped) }
      if isStopped { return nil }
      if let piece { return piece }
      emptied.wait(Self.patience)
    }
  }

  // MARK: The thread that recovers

  /// The next batch, in the order of the log. Waits for it.
  func next() -> Piece {
    while true {
      filled.reset()
      if let piece = pieces.withLock({ $0.filled.isEmpty ? nil : $0.filled.removeFirst() }) { return piece }
      filled.wait(Self.patience)
    }
  }

  /// Gives a batch back that has been repeated.
  func giveBack(_ piece: Piece) {
    pieces.withLock { $0.empty.append(piece) }
    emptied.set()
  }

  func stop() {
    pieces.withLock { $0.isStopped = true }
    emptied.set()
  }
}
