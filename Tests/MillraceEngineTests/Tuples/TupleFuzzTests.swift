import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

@testable import MillraceEngine

/// Tuples as a damaged page may have them.
@Suite struct TupleFuzzTests {
  private static let types: [TypeDescriptor] = TypeDescriptor.all
    .filter { $0.length > 0 || $0.length == -1 }.sorted { $0.id.rawValue < $1.id.rawValue }

  @Test func `a tuple with any bytes in it is taken apart or found to be damaged`() throws {
    var (whole, damaged) = (0, 0)
    Fuzzing.run("TupleFuzzTests", rounds: 3000) { random in
      let arena = Arena()
      let types = (0..<1 + random.below(6)).map { _ in Self.types[random.below(Self.types.count)] }
      let descriptor = TupleDescriptor(types.enumerated().map { ColumnDescriptor("c\($0)", $1) })
      let slot = TupleSlot(count: types.count)
      for (index, type) in types.enumerated() where random.below(4) > 0 {
        slot[index] =
          type.isByValue ? Datum(word: 1) : arena.copy(random.bytes(max(Int(type.length), random.below(200))))
        if type.length > 0, !type.isByValue { slot[index] = arena.copy(random.bytes(Int(type.length))) }
      }
      let buffer = TupleBuffer()
      var bytes = Array(buffer.form(descriptor, slot.values, slot.nulls).bytes)
      for _ in 0..<1 + random.below(4) {
        bytes[random.below(random.below(2) == 0 ? min(40, bytes.count) : bytes.count)] =
          [0, 1, 255, 128, UInt8(truncatingIfNeeded: random.next())][random.below(5)]
      }
      // On a page a tuple has room of a multiple of eight bytes.
      while bytes.count % 8 != 0 { bytes.append(0) }
      bytes.withUnsafeMutableBytes { memory in
        guard let tuple = HeapTuple(memory), descriptor.deformer.deform(tuple, slot.values, slot.nulls) else {
          damaged += 1
          return
        }
        whole += 1
        for (index, type) in types.enumerated() {
          guard let value = slot[index], !value.isToasted else { continue }
          _ = type.text(of: value)
        }
      }
    }
    #expect(whole > 100 && damaged > 100)
  }
}
