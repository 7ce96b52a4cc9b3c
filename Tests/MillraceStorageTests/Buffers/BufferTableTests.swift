import Synchronization
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// The table against a dictionary: every short history, then long random ones, then with look-ups at the same time.
@Suite struct BufferTableTests {
  /// A table with descriptors of its own.
  final class Bench: @unchecked Sendable {
    // Safe because descriptors are atomic and the table guards itself.
    let count: Int
    let descriptors: UnsafeMutablePointer<BufferDescriptor>
    let table: BufferTable

    init(count: Int) {
      self.count = count
      descriptors = .allocate(capacity: count)
      for index in 0..<count { (descriptors + index).initialize(to: BufferDescriptor()) }
      table = BufferTable(descriptors, count: count)
    }

    deinit {
      table.deallocate()
      descriptors.deinitialize(count: count)
      descriptors.deallocate()
    }

    func insert(_ buffer: BufferID, _ tag: BufferTag) -> BufferID? {
      table.insert(buffer, tag) { descriptors[Int(buffer)].tag.store(tag.rawValue, ordering: .relaxed) }
    }

    func remove(_ buffer: BufferID, _ tag: BufferTag) {
      table.remove(buffer, tag)
      descriptors[Int(buffer)].tag.store(0, ordering: .relaxed)
    }
  }

  static func tag(_ block: UInt32) -> BufferTag { BufferTag(ForkID(rawValue: 1), block) }

  /// Tags that share a chain: the hardest neighbours.
  static let colliding: [BufferTag] = {
    var chains: [UInt64: [BufferTag]] = [:]
    for block in UInt32(0)... {
      let tag = Self.tag(block)
      let head = tag.hash & 127
      chains[head, default: []].append(tag)
      if let chain = chains[head], chain.count == 4 { return chain }
    }
    return []
  }()

  /// One step of a history: put a buffer in under a tag, or take it out.
  struct Step {
    let buffer: BufferID
    let tag: Int
  }

  @Test func everyShortHistoryAgreesWithADictionary() {
    // Three buffers, three tags of one chain; all sequences of five steps. A buffer that is in is taken out, one that
    // is not is put in.
    let tags = Array(Self.colliding.prefix(3))
    let steps = (0..<3).flatMap { buffer in (0..<3).map { Step(buffer: BufferID(buffer), tag: $0) } }
    var histories = 0
    func run(_ history: [Step]) {
      let bench = Bench(count: 3)
      var model: [BufferTag: BufferID] = [:]
      var held: [BufferID: BufferTag] = [:]
      for step in history {
        if let tag = held.removeValue(forKey: step.buffer) {
          bench.remove(step.buffer, tag)
          model[tag] = nil
        } else {
          let other = bench.insert(step.buffer, tags[step.tag])
          #expect(other == model[tags[step.tag]])
          if other == nil {
            model[tags[step.tag]] = step.buffer
            held[step.buffer] = tags[step.tag]
          }
        }
        for tag in tags where bench.table.find(tag) != model[tag] {
          Issue.record("\(history): \(tag) is in \(String(describing: bench.table.find(tag)))")
        }
      }
      histories += 1
    }
    func extend(_ history: [Step]) {
      if history.count == 4 { return run(history) }
      for step in steps { extend(history + [step]) }
    }
    extend([])
    #expect(histories == 9 * 9 * 9 * 9)
  }

  @Test func aLongRandomHistoryAgreesWithADictionary() {
    var random = SeededGenerator(for: "buffer table")
    let bench = Bench(count: 64)
    var model: [BufferTag: BufferID] = [:]
    var held: [BufferID: BufferTag] = [:]
    for _ in 0..<20_000 {
      let buffer = BufferID(random.below(64))
      let tag = Self.tag(UInt32(random.below(100)))
      if let old = held.removeValue(forKey: buffer) {
        bench.remove(buffer, old)
        model[old] = nil
      } else {
        let other = bench.insert(buffer, tag)
        if other != model[tag] { Issue.record("insertion found \(String(describing: other))") }
        if other == nil { (model[tag], held[buffer]) = (buffer, tag) }
      }
      let asked = Self.tag(UInt32(random.below(100)))
      if bench.table.find(asked) != model[asked] { Issue.record("\(asked) was not found as it should be") }
    }
  }

  /// Threads move buffers of their own from tag to tag; others look for a page that is always there, in the same
  /// chains.
  @Test func aPageThatStaysIsFoundWhateverHappensAroundIt() throws {
    let bench = Bench(count: 24)
    let stays = Self.colliding[3]
    // In the middle of the chain from the start.
    #expect(bench.insert(0, Self.colliding[0]) == nil)
    #expect(bench.insert(1, stays) == nil)
    let isOver = AtomicFlag()
    let movers = try (0..<2).map { number in
      try TestThread("mover \(number)") {
        var random = SeededGenerator(seed: UInt64(number))
        let first = BufferID(2 + number * 10)
        for round in 0..<4000 {
          let buffer = first + BufferID(random.below(10))
          // Tags of one's own, every second in the contended chain.
          let tag =
            round % 2 == 0 ? Self.colliding[1 + number] : Self.tag(UInt32(1000 + number * 1000 + random.below(500)))
          if bench.insert(buffer, tag) == nil { bench.remove(buffer, tag) }
        }
      }
    }
    let seekers = try (0..<2).map { number in
      try TestThread("seeker \(number)") { () -> Int in
        var lost = 0
        while !isOver.isSet {
          if bench.table.find(stays) != 1 { lost += 1 }
          // Never there: a miss must end, whatever the chains look like.
          if bench.table.find(Self.tag(900_000)) != nil { lost += 1 }
        }
        return lost
      }
    }
    for mover in movers { try mover.join() }
    isOver.set()
    for seeker in seekers { #expect(try seeker.join() == 0) }
  }
}

/// Set by one thread, seen by others.
final class AtomicFlag: Sendable {
  private let flag = Atomic<Bool>(false)
  var isSet: Bool { flag.load(ordering: .acquiring) }
  func set() { flag.store(true, ordering: .releasing) }
}
