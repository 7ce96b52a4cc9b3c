@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import MillraceWAL
import Testing

@Suite struct ToastTests {
  /// Bytes that compress well, or not at all.
  private static func value(_ count: Int, compressible: Bool, seed: UInt64 = 1) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { place in
      compressible ? UInt8(97 + place / 7 % 20) : UInt8(truncatingIfNeeded: random.next())
    }
  }

  private func table(_ rig: CatalogRig, _ storage: TypeDescriptor.Storage = .extended) throws -> RelationDescriptor {
    try rig.transaction { catalog throws(EngineError) in
      var body = ColumnDefinition("body", .text)
      body.storage = storage
      let oid = try catalog.createTable(
        TableDefinition(
          "t", namespace: SystemOID.publicNamespace, columns: [ColumnDefinition("id", .int4), body]))
      return try catalog.requiredRelation(oid)
    }
  }

  private func insert(_ id: Int32, _ value: [UInt8], _ table: RelationDescriptor, _ rig: CatalogRig) throws {
    let heap = try #require(table.heap)
    try rig.session.transaction { session throws(EngineError) in
      let slot = TupleSlot(count: 2)
      let arena = Arena()
      slot[0] = Datum(id)
      slot[1] = arena.copy(value)
      let writer = RowWriter(table, session)
      defer { withExtendedLifetime((writer, arena)) {} }
      try session.insert(try writer.form(slot), into: heap)
    }
  }

  /// Values by their ids, and whether they are stored compressed or out of line.
  private func rows(
    _ table: RelationDescriptor, _ rig: CatalogRig
  ) throws -> [Int32: (value: [UInt8], isExternal: Bool, isToasted: Bool)] {
    let heap = try #require(table.heap)
    return try rig.session.transaction { session throws(EngineError) in
      var rows: [Int32: (value: [UInt8], isExternal: Bool, isToasted: Bool)] = [:]
      let slot = TupleSlot(count: 2)
      let arena = Arena()
      let scan = try HeapScan(heap, session)
      while let tuple = try scan.next() {
        _ = table.tuple.deformer.deform(tuple, slot.values, slot.nulls)
        guard let id = slot[0]?.int32, let datum = slot[1] else { continue }
        let value = try session.detoasted(datum, in: arena).bytes.array
        rows[id] = (value, Varlena.isExternal(datum), datum.isToasted)
      }
      return rows
    }
  }

  private func chunkCount(_ table: RelationDescriptor, _ rig: CatalogRig) throws -> Int {
    try rig.session.transaction { session throws(EngineError) in
      guard let heap = try session.catalog.requiredRelation(table.toastRelation).heap else { return -1 }
      let scan = try HeapScan(heap, session)
      var count = 0
      while try scan.next() != nil { count += 1 }
      return count
    }
  }

  @Test("values of every length come back, compressed and out of line where they must be")
  func lengths() throws {
    let rig = try CatalogRig()
    let table = try table(rig)
    let lengths = [0, 1, 126, 127, 128, 1995, 1996, 1997, 2000, 2032, 4000, 8160, 9000, 100_000]
    for (index, length) in lengths.enumerated() {
      try insert(Int32(index * 2), Self.value(length, compressible: true), table, rig)
      try insert(Int32(index * 2 + 1), Self.value(length, compressible: false), table, rig)
    }
    let rows = try rows(table, rig)
    for (index, length) in lengths.enumerated() {
      let easy = try #require(rows[Int32(index * 2)])
      let hard = try #require(rows[Int32(index * 2 + 1)])
      #expect(easy.value == Self.value(length, compressible: true))
      #expect(hard.value == Self.value(length, compressible: false))
      #expect(easy.isToasted == (length > 2000), "\(length)")
      #expect(hard.isExternal == (length > 2000), "\(length)")
    }
    try rig.close()
  }

  @Test("a slice reads only what it needs, and storage is as the column says")
  func slices() throws {
    let rig = try CatalogRig()
    let external = try table(rig, .external)
    let value = Self.value(20_000, compressible: true)
    try insert(1, value, external, rig)
    let heap = try #require(external.heap)
    try rig.session.transaction { session throws(EngineError) in
      let slot = TupleSlot(count: 2)
      let arena = Arena()
      let scan = try HeapScan(heap, session)
      guard let tuple = try scan.next() else { return }
      _ = external.tuple.deformer.deform(tuple, slot.values, slot.nulls)
      let datum = slot.values[1]
      #expect(Varlena.isExternal(datum))
      #expect(try session.rawLength(of: datum) == 20_000)
      for (start, count) in [(0, 10), (1990, 20), (19_990, 100), (3992, 1996), (25_000, 5), (7, 0)] {
        let slice = try session.detoastedSlice(datum, from: start, count: count, in: arena)
        #expect(slice.bytes.array == Array(value.dropFirst(start).prefix(count)))
      }
    }
    #expect(try chunkCount(external, rig) == 11)
    try rig.close()
  }

  @Test("what is out of line goes with its row, and stays where an update does not touch it")
  func removal() throws {
    let rig = try CatalogRig()
    let table = try table(rig)
    let heap = try #require(table.heap)
    try insert(1, Self.value(10_000, compressible: false), table, rig)
    #expect(try chunkCount(table, rig) == 6)
    try change(table, heap, rig) { slot, _ in slot[0] = Datum(2 as Int32) }
    #expect(try chunkCount(table, rig) == 6)
    #expect(try rows(table, rig)[2]?.value == Self.value(10_000, compressible: false))
    try change(table, heap, rig) { slot, arena in
      slot[1] = arena.copy(Self.value(6000, compressible: false, seed: 2))
    }
    #expect(try chunkCount(table, rig) == 4)
    #expect(try rows(table, rig)[2]?.value == Self.value(6000, compressible: false, seed: 2))
    try rig.session.transaction { session throws(EngineError) in
      let writer = RowWriter(table, session)
      let scan = try HeapScan(heap, session)
      guard let tuple = try scan.next() else { return }
      let obsolete = writer.obsoleteValues(deleting: tuple)
      _ = try session.delete(scan.identifier, from: heap)
      try writer.remove(obsolete)
    }
    #expect(try chunkCount(table, rig) == 0)
    try rig.close()
  }

  private func change(
    _ table: RelationDescriptor, _ heap: HeapRelation, _ rig: CatalogRig, _ body: (TupleSlot, Arena) -> Void
  ) throws {
    try rig.session.transaction { session throws(EngineError) in
      let writer = RowWriter(table, session)
      let slot = TupleSlot(count: 2)
      let arena = Arena()
      var found: (HeapTuple, TupleIdentifier)?
      let scan = try HeapScan(heap, session)
      if let tuple = try scan.next() { found = (tuple, scan.identifier) }
      guard let (tuple, place) = found else { return }
      _ = table.tuple.deformer.deform(tuple, slot.values, slot.nulls)
      body(slot, arena)
      defer { withExtendedLifetime((writer, arena)) {} }
      let replacement = try writer.form(slot, replacing: tuple)
      _ = try session.update(place, of: heap, to: replacement.tuple)
      try writer.remove(replacement.obsolete)
    }
  }

  @Test("PGLZ gives back what it compressed, and says where it is of no use", arguments: 1...100)
  func compression(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let count = Int(random.next() % 5000)
    let spread = random.next() % 40 + 1
    let source = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() % spread) }
    var compressed: [UInt8] = []
    let isSmaller = source.withUnsafeBytes { PGLZ.compress($0, to: &compressed) }
    guard isSmaller else {
      #expect(compressed.isEmpty)
      return
    }
    #expect(compressed.count <= count)
    var restored = [UInt8](repeating: 0, count: count)
    let isWhole = compressed.withUnsafeBytes { source in
      restored.withUnsafeMutableBytes { PGLZ.decompress(source, to: $0) }
    }
    #expect(isWhole && restored == source)
  }

  @Test("LZ4 blocks are read, and damaged ones refused")
  func lz4() {
    // Five literals, a match of eight bytes five back, three literals.
    let block: [UInt8] = [0x54] + Array("abcde".utf8) + [5, 0, 0x30] + Array("xyz".utf8)
    var output = [UInt8](repeating: 0, count: 16)
    let isWhole = block.withUnsafeBytes { source in
      output.withUnsafeMutableBytes { LZ4.decompress(source, to: $0) }
    }
    #expect(isWhole && output == Array("abcdeabcdeabcxyz".utf8))
    for length in 0..<block.count {
      let isCut = block.prefix(length).withUnsafeBytes { source in
        output.withUnsafeMutableBytes { LZ4.decompress(source, to: $0) }
      }
      #expect(!isCut)
    }
  }
}
