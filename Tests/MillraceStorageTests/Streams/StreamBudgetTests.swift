import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// How streams share what the pool can spare.
@Suite struct StreamBudgetTests {
  /// Every small budget with every small history, against the rules said in words.
  @Test(arguments: 1...6, 1...4)
  func everySmallHistoryFollowsTheRules(total: Int, streams: Int) {
    func run(_ wishes: [(stream: Int, count: Int)]) {
      let budget = StreamBudget(total: total)
      for _ in 0..<streams { budget.addStream() }
      var held = Array(repeating: 0, count: streams)
      let share = max(total / streams, 1)
      for (stream, count) in wishes {
        let used = held.reduce(0, +)
        let granted = budget.reserve(count, held: held[stream])
        #expect((0...count).contains(granted))
        // What is free, what its share still has, and one where it has none.
        let most = max(total - used, share - held[stream], held[stream] == 0 ? 1 : 0)
        #expect(granted == min(count, max(most, 0)))
        held[stream] += granted
        #expect(budget.usedCount == held.reduce(0, +))
        #expect(budget.usedCount <= total + (streams - 1) * share)
      }
      for count in held { budget.release(count) }
      #expect(budget.usedCount == 0)
    }
    func extend(_ wishes: [(stream: Int, count: Int)]) {
      if wishes.count == 3 { return run(wishes) }
      for stream in 0..<streams { for count in [1, 2, 7] { extend(wishes + [(stream, count)]) } }
    }
    extend([])
  }

  /// One alone may have all; when others come, it gets nothing more until it is down to its share.
  @Test func oneAloneGetsMoreThanOneAmongMany() throws {
    let rig = try SimulatedRig(blocks: 3000, buffers: 256)
    #expect(rig.pool.readAheadBudget.total == 128)
    let alone = rig.stream(BlockRange(0..<3000, isCertain: true))
    try rig.read(alone, 1)
    #expect(alone.own.pointee.pinned > 100)
    let others = (1..<4).map { rig.stream(BlockRange(UInt32($0) * 700..<3000, isCertain: true)) }
    #expect(rig.pool.readAheadBudget.streamCount == 4)
    #expect(rig.pool.readAheadBudget.share == 32)
    for other in others { try rig.read(other, 1) }
    let all = [alone] + others
    let before = all.map(\.statistics.distanceSum)
    for _ in 0..<320 { for stream in all { try rig.read(stream, 1) } }
    // Who had all keeps what the others, who hardly wait, do not ask for; nobody is left without.
    for (stream, sum) in zip(all, before) {
      let average = Double(stream.statistics.distanceSum - sum) / 320
      #expect((12...64).contains(average), "\(average)")
    }
    #expect(rig.pool.readAheadBudget.usedCount <= 128 + 3 * 32)
    #expect(rig.pool.readAheadBudget.usedCount == all.reduce(0) { $0 + $1.held })
  }

  @Test func theBudgetComesBack() throws {
    let rig = try SimulatedRig(blocks: 500, buffers: 64)
    do {
      let streams = (0..<5).map { _ in rig.stream(BlockRange(0..<500, isCertain: true)) }
      for stream in streams { try rig.read(stream, 10) }
      streams[2].reset()
      #expect(rig.pool.readAheadBudget.usedCount == streams.reduce(0) { $0 + $1.held })
    }
    #expect(rig.pool.readAheadBudget.usedCount == 0)
    #expect(rig.pool.readAheadBudget.streamCount == 0)
    #expect(rig.pool.pinCount == 0)
  }

  /// More streams than the budget has blocks: each goes on with one.
  @Test func everyStreamMakesProgress() throws {
    let rig = try SimulatedRig(blocks: 400, buffers: 32)
    let streams = (0..<24).map { rig.stream(BlockRange(UInt32($0) * 10..<400, isCertain: true)) }
    var came = Array(repeating: 0, count: 24)
    for _ in 0..<50 {
      for (number, stream) in streams.enumerated() {
        #expect(try rig.read(stream, 1) == [UInt32(number * 10 + came[number])])
        came[number] += 1
      }
    }
  }

  /// Threads reserve and give back at once; nothing is lost.
  @Test func concurrentReservationsAddUp() throws {
    let budget = StreamBudget(total: 40)
    let threads = try (0..<4).map { number in
      try TestThread("stream \(number)") {
        budget.addStream()
        var random = SeededGenerator(seed: UInt64(number))
        var held = 0
        for _ in 0..<5000 {
          if held > 0, random.below(2) == 0 {
            let count = 1 + random.below(held)
            budget.release(count)
            held -= count
          } else {
            held += budget.reserve(1 + random.below(20), held: held)
          }
        }
        budget.release(held)
        budget.removeStream()
      }
    }
    for thread in threads { try thread.join() }
    #expect(budget.usedCount == 0)
    #expect(budget.streamCount == 0)
  }
}

extension ReadStream {
  /// What it holds of its pool's budget.
  fileprivate var held: Int { own.pointee.pinned + own.pointee.kept }
}
