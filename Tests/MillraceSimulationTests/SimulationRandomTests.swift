import MillraceSimulation
import Testing

@Suite("random numbers of a simulation")
struct SimulationRandomTests {
  @Test("are the published sequence of their algorithm")
  func isSplitMix() {
    // The reference implementation's first values for this seed.
    var random = SimulationRandom(seed: 1_234_567)
    #expect(
      (0..<5).map { _ in random.next() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
        16_408_922_859_458_223_821,
      ])
  }

  @Test("stay below their bound and reach every value", arguments: [1, 2, 3, 7, 10, 64, 100])
  func staysBelow(bound: Int) {
    var random = SimulationRandom(seed: 42)
    var counts = [Int](repeating: 0, count: bound)
    for _ in 0..<bound * 1000 { counts[random.below(bound)] += 1 }
    // Far wider than chance makes likely.
    #expect(counts.allSatisfy { (800...1200).contains($0) })
    #expect(random.below(.max) >= 0)
  }

  @Test("ranges, chances and elements")
  func draws() {
    var random = SimulationRandom(seed: 7)
    #expect((0..<100).allSatisfy { _ in (-3...4).contains(random.number(in: -3...4)) })
    #expect((0..<100).allSatisfy { _ in !random.oneIn(0) })
    #expect((0..<100).allSatisfy { _ in random.oneIn(1) })
    let third = (0..<3000).count { _ in random.chance(1, in: 3) }
    #expect((800...1200).contains(third))
    #expect(Set((0..<100).map { _ in random.element(of: ["a", "b", "c"]) }) == ["a", "b", "c"])
  }

  @Test("a permutation has every element once, and every order comes up")
  func permutes() {
    var random = SimulationRandom(seed: 3)
    var orders: Set<[Int]> = []
    for _ in 0..<200 {
      var elements = [1, 2, 3]
      random.permute(&elements)
      #expect(elements.sorted() == [1, 2, 3])
      orders.insert(elements)
    }
    #expect(orders.count == 6)
  }

  @Test("a split leaves two sequences that have nothing in common")
  func splits() {
    var random = SimulationRandom(seed: 3)
    var other = random.split()
    #expect(Set((0..<100).map { _ in random.next() }).isDisjoint(with: (0..<100).map { _ in other.next() }))
  }
}
