import MillraceSimulation
import Testing

@testable import MillraceWAL

@Suite("the order of redo")
struct RedoOrderTests {
  private struct Item: Equatable {
    var key: UInt64
    var place: Int
  }

  @Test("what has the same key keeps its order, however many there are and wherever keys differ", arguments: 0..<64)
  func sort(shift: Int) {
    var random = SimulationRandom(seed: UInt64(shift) + 1)
    for count in [0, 1, 2, 100, RedoOrder.countedMin - 1, RedoOrder.countedMin, 5000] {
      for kinds in [1, 2, 300, 1 << 20] {
        let items = (0..<count).map { Item(key: UInt64(random.below(kinds)) << UInt64(shift), place: $0) }
        var sorted = items
        RedoOrder.sort(&sorted) { $0.key }
        #expect(sorted == items.sorted { ($0.key, $0.place) < ($1.key, $1.place) })
      }
    }
  }
}
