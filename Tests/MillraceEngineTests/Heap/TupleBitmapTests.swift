@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import Testing

/// Places of rows as a set, exact and lossy.
@Suite struct TupleBitmapTests {
  private typealias Places = Set<TupleIdentifier>

  private func random(_ count: Int, blocks: Int, _ generator: inout SeededGenerator) -> Places {
    Places(
      (0..<count).map { _ in
        TupleIdentifier(BlockNumber(UInt32(generator.below(blocks))), 1 + generator.below(291))
      })
  }

  private func bitmap(_ places: Places, memory: Int) -> TupleBitmap {
    var bitmap = TupleBitmap(memoryLimit: memory)
    for place in places { bitmap.insert(place) }
    return bitmap
  }

  /// All places that a scan would look at, those of lossy pages with all that could be there.
  private func contains(_ bitmap: TupleBitmap, _ place: TupleIdentifier) -> Bool {
    if bitmap.isLossy(place.block.rawValue) { return true }
    guard let page = bitmap.page(place.block) else { return false }
    let bit = Int(place.number) - 1
    return page.bits[bit >> 6] >> UInt64(bit & 63) & 1 != 0
  }

  @Test("unions and intersections are those of sets while memory lasts")
  func exact() {
    var generator = SeededGenerator(for: "exact bitmaps of tuples")
    for _ in 0..<30 {
      let (left, right) = (random(200, blocks: 20, &generator), random(200, blocks: 20, &generator))
      var union = bitmap(left, memory: 1 << 20)
      union.formUnion(bitmap(right, memory: 1 << 20))
      var common = bitmap(left, memory: 1 << 20)
      common.formIntersection(bitmap(right, memory: 1 << 20))
      #expect(union.lossyCount == 0 && common.lossyCount == 0)
      for place in random(500, blocks: 20, &generator).union(left).union(right) {
        #expect(contains(union, place) == (left.contains(place) || right.contains(place)))
        #expect(contains(common, place) == (left.contains(place) && right.contains(place)))
      }
      #expect(union.sortedBlocks() == Set((left.union(right)).map(\.block)).sorted())
    }
  }

  @Test("with little memory nothing is lost, and what is uncertain is to be checked again")
  func lossy() {
    var generator = SeededGenerator(for: "lossy bitmaps of tuples")
    for _ in 0..<30 {
      let (left, right) = (random(400, blocks: 200, &generator), random(400, blocks: 200, &generator))
      var union = bitmap(left, memory: 2048)
      #expect(union.lossyCount > 0)
      union.formUnion(bitmap(right, memory: 2048))
      var common = bitmap(left, memory: 2048)
      common.formIntersection(bitmap(right, memory: 1 << 20))
      for place in left.union(right) { #expect(contains(union, place)) }
      for place in left.intersection(right) { #expect(contains(common, place)) }
      for block in common.sortedBlocks() {
        guard let page = common.page(block), !page.needsRecheck else { continue }
        for number in 1...291 where contains(common, TupleIdentifier(block, number)) {
          #expect(left.contains(TupleIdentifier(block, number)) && right.contains(TupleIdentifier(block, number)))
        }
      }
    }
  }
}
