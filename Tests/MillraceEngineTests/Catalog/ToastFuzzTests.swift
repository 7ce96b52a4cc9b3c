@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

/// Toasted values as a damaged page may have them.
@Suite struct ToastFuzzTests {
  private static func compressible(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
    let piece = random.bytes(1 + random.below(40))
    return (0..<count).map { $0 % 97 == 0 ? UInt8(truncatingIfNeeded: random.next()) : piece[$0 % piece.count] }
  }

  @Test func `compressed values with any bytes in them are decompressed or found to be damaged`() {
    var (whole, damaged) = (0, 0)
    Fuzzing.run("damaged compressed values", rounds: 2000) { random in
      let arena = Arena()
      let value = Self.compressible(40 + random.below(4000), &random)
      guard let compressed = ToastValue.compressed(arena.copy(value).bytes, .pglz, in: arena) else { return }
      var body = [UInt8](compressed.bytes.from(4).buffer)
      for _ in 0...random.below(4) where !body.isEmpty {
        let place = random.below(random.below(3) == 0 ? min(4, body.count) : body.count)
        switch random.below(4) {
        case 0: body[place] = UInt8(truncatingIfNeeded: random.next())
        // The other method.
        case 1 where body.count >= 4: body[3] ^= 0x40
        case 2: body.removeSubrange(place...)
        default: body[place] ^= 1 << UInt8(random.below(8))
        }
      }
      // No larger than a page could make it, so that memory for it is made at once.
      if body.count >= 4 { body[3] &= 0x40 }
      do throws(EngineError) {
        _ = try ToastValue.decompressed(arena.copy(body).bytes, in: arena)
        whole += 1
      } catch {
        #expect(error.sqlState == "XX001")
        damaged += 1
      }
    }
    #expect(whole > 10 && damaged > 100)
  }

  @Test func `pointers with any bytes in them lead to a value or to an error`() throws {
    let rig = try CatalogRig()
    let oid = try rig.transaction { catalog throws(EngineError) in
      var body = ColumnDefinition("body", .text)
      body.storage = .extended
      return try catalog.createTable(
        TableDefinition(
          "t", namespace: SystemOID.publicNamespace, columns: [ColumnDefinition("id", .int4), body]))
    }
    let session = rig.session
    try session.begin()
    let table = try session.catalog.requiredRelation(oid)
    let store = try ToastTable(try session.catalog.requiredRelation(table.toastRelation), session)
    var random = SeededGenerator(seed: 5)
    let arena = Arena()
    let pointers = try (0..<4).map { index throws(EngineError) in
      let bytes = index % 2 == 0 ? random.bytes(9000) : Self.compressible(60_000, &random)
      let value = arena.copy(bytes)
      let datum = ToastValue.compressed(value.bytes, .pglz, in: arena) ?? value
      return [UInt8](try store.insert(datum, arena).bytes.buffer)
    }
    try session.advanceCommand()
    var (whole, damaged) = (0, 0)
    Fuzzing.run("damaged pointers to values", rounds: 300) { random in
      let arena = Arena()
      var bytes = pointers[random.below(pointers.count)]
      for _ in 0..<random.below(3) {
        // The first two say that it is a pointer, and of which kind. Of lengths the highest bytes stay small.
        let place = 2 + random.below(bytes.count - 2)
        let isHigh = [4, 5, 8].contains(place)
        bytes[place] = isHigh ? UInt8(random.below(2)) : UInt8(truncatingIfNeeded: random.next())
      }
      let datum = Datum(arena.copy(bytes).bytes, isToasted: true)
      do throws(EngineError) {
        _ = try session.rawLength(of: datum)
        _ = try session.detoastedSlice(datum, from: random.below(9000), count: random.below(5000), in: arena)
        _ = try session.detoasted(datum, in: arena)
        whole += 1
      } catch {
        damaged += 1
      }
    }
    try session.rollback()
    #expect(whole > 10 && damaged > 10)
    try rig.close()
  }
}
