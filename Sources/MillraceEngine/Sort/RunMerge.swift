import MillraceIO

/// Gives the records of several runs in one order: a heap of the runs by their present records. Records that are equal
/// come in the order of their runs.
///
/// The heap holds what mostly decides, the prefixes, so that runs themselves are looked at only where those are equal.
final class RunMerge {
  private struct Entry {
    var prefix: UInt64
    var run: Int
  }

  private let runs: [SortRun]
  private let compare: ExternalSort.Comparison?
  private let heap: UnsafeMutablePointer<Entry>
  private var count = 0
  private var hasGiven = false

  /// - Parameters:
  ///   - bufferSize: bytes of each run's two buffers; a multiple of 4096.
  ///   - compare: decides between records with the same prefix.
  /// - Throws: ``EngineError`` where a run cannot be read.
  init(_ runs: [SortRun], bufferSize: Int, _ compare: ExternalSort.Comparison?) throws(EngineError) {
    (self.runs, self.compare) = (runs, compare)
    heap = .allocate(capacity: max(runs.count, 1))
    do throws(IOError) {
      for run in runs { try run.beginReading(bufferSize: bufferSize) }
      for index in runs.indices where try runs[index].advance() {
        (heap + count).initialize(to: Entry(prefix: runs[index].prefix, run: index))
        count += 1
      }
    } catch {
      throw EngineError(error)
    }
    for position in stride(from: count / 2 - 1, through: 0, by: -1) { siftDown(from: position) }
  }

  deinit { heap.deallocate() }

  /// Goes on to the next record.
  /// - Returns: the run whose present record it is, until the next call; nil at the end.
  /// - Throws: ``EngineError`` where a run cannot be read.
  func next() throws(EngineError) -> SortRun? {
    if hasGiven {
      // The record that was given out last is done with.
      let run = runs[heap[0].run]
      let hasMore: Bool
      do throws(IOError) { hasMore = try run.advance() } catch { throw EngineError(error) }
      if hasMore {
        heap[0].prefix = run.prefix
      } else {
        count -= 1
        heap[0] = heap[count]
      }
      siftDown(from: 0)
    }
    hasGiven = count > 0
    return hasGiven ? runs[heap[0].run] : nil
  }

  private func isLess(_ left: Entry, _ right: Entry) -> Bool {
    left.prefix != right.prefix ? left.prefix < right.prefix : isRecordLess(left.run, right.run)
  }

  private func isRecordLess(_ left: Int, _ right: Int) -> Bool {
    if let compare {
      let order = compare(runs[left].record, runs[right].record)
      if order != 0 { return order < 0 }
    }
    return left < right
  }

  /// Puts an entry in its place among those below it.
  private func siftDown(from start: Int) {
    guard start < count else { return }
    let entry = heap[start]
    var position = start
    while true {
      var child = 2 * position + 1
      guard child < count else { break }
      if child + 1 < count, isLess(heap[child + 1], heap[child]) { child += 1 }
      guard isLess(heap[child], entry) else { break }
      heap[position] = heap[child]
      position = child
    }
    heap[position] = entry
  }
}
