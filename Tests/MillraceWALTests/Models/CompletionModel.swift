/// Completions as ``PositionQueue`` takes them, step by step: I/Os that end in any order, each on a thread of its own.
/// The position must be that of the last in the end, and never beyond one that has not ended.
struct CompletionModel: InterleavingModel {
  enum Mistake: Hashable, CaseIterable {
    /// Looks at the first entry before it marks its own.
    case looksBeforeMarking
    /// Sets the position instead of raising it.
    case setsPosition
  }

  private struct Completer: Hashable {
    var pc = 0
    var first = 0
    var isDone = false
    var last: Int?
  }

  let mistake: Mistake?
  private var done: [Bool]
  private var tail = 0
  private var position = 0
  private var completers: [Completer]

  init(entries: Int, mistake: Mistake? = nil) {
    self.mistake = mistake
    done = Array(repeating: false, count: entries)
    completers = Array(repeating: Completer(), count: entries)
  }

  var isFinished: Bool { completers.allSatisfy { $0.pc == 9 } && position == done.count }

  var violation: String? {
    let prefix = done.firstIndex(of: false) ?? done.count
    return position > prefix ? "the position \(position) is beyond the prefix \(prefix) that has ended" : nil
  }

  var successors: [CompletionModel] {
    completers.indices.filter { completers[$0].pc != 9 }.map { index in
      var state = self
      state.step(index)
      return state
    }
  }

  private mutating func step(_ index: Int) {
    var completer = completers[index]
    defer { completers[index] = completer }
    switch completer.pc {
    case 0:
      if mistake == .looksBeforeMarking {
        (completer.first, completer.isDone) = (tail, done[tail])
      } else {
        done[index] = true
      }
      completer.pc = 1
    case 1:
      if mistake == .looksBeforeMarking {
        done[index] = true
        completer.pc = completer.isDone || completer.first == index ? 2 : 9
      } else {
        completer.pc = 2
      }
    case 2:
      // Look at the first entry.
      completer.first = tail
      completer.isDone = tail < done.count && done[tail]
      completer.pc = completer.isDone ? 3 : 4
    case 3:
      // Move the tail, if it is still there.
      if tail == completer.first {
        tail += 1
        completer.last = completer.first + 1
      }
      completer.pc = 2
    default:
      if let last = completer.last { position = mistake == .setsPosition ? last : max(position, last) }
      completer.pc = 9
    }
  }
}
