@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

@Suite struct TupleDeformerTests {
  /// Types of every width, alignment and sort.
  private static let types: [TypeDescriptor] = [
    .int4, .bool, .int8, .text, .int2, .name, .oid, .text, .int4,
  ]

  /// A value of a type, told by a number.
  private static func datum(_ type: TypeDescriptor, _ seed: UInt64, _ arena: Arena) -> Datum {
    switch type.id {
    case .bool: Datum(seed & 1 == 1)
    case .int2: Datum(Int16(truncatingIfNeeded: seed))
    case .int4: Datum(Int32(truncatingIfNeeded: seed))
    case .int8: Datum(Int64(bitPattern: seed))
    case .oid: Datum(oid: UInt32(truncatingIfNeeded: seed))
    case .name: arena.copy([UInt8](repeating: UInt8(65 + seed % 26), count: 64))
    default: arena.copy([UInt8](repeating: UInt8(97 + seed % 26), count: Int(seed % 300)))
    }
  }

  private static func text(_ datum: Datum?, _ type: TypeDescriptor) -> String {
    guard let datum else { return "null" }
    return type.isByValue ? "\(datum.word)" : datum.bytes.string
  }

  @Test("what is formed comes back, whatever columns are null and whichever are wanted", arguments: 1...200)
  func roundTrip(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let count = Int(random.next() % UInt64(Self.types.count)) + 1
    let types = (0..<count).map { _ in Self.types[Int(random.next() % UInt64(Self.types.count))] }
    let descriptor = TupleDescriptor(
      types.enumerated().map { index, type in
        var column = ColumnDescriptor("c\(index)", type)
        column.isNotNull = random.next() % 2 == 0
        return column
      })
    let arena = Arena()
    let slot = TupleSlot(count: count)
    for index in 0..<count {
      let isNull = !descriptor.columns[index].isNotNull && random.next() % 3 == 0
      slot[index] = isNull ? nil : Self.datum(types[index], random.next(), arena)
    }
    let buffer = TupleBuffer()
    let tuple = buffer.form(descriptor, slot.values, slot.nulls)
    let wanted = (0..<count).filter { _ in random.next() % 2 == 0 }
    for columns in [Array(0..<count), wanted] {
      let read = TupleSlot(count: count)
      let isWhole = descriptor.deformer(for: columns).deform(tuple, read.values, read.nulls)
      #expect(isWhole)
      for index in columns {
        #expect(Self.text(read[index], types[index]) == Self.text(slot[index], types[index]), "column \(index)")
      }
    }
    withExtendedLifetime((buffer, arena)) {}
  }

  @Test("columns that were added later have their missing value, or null")
  func missing() {
    let old = TupleDescriptor([ColumnDescriptor("a", .int4)])
    var column = ColumnDescriptor("b", .text)
    let arena = Arena()
    column.missing = MissingValue(copying: arena.copy("later"), isByValue: false)
    let new = TupleDescriptor([ColumnDescriptor("a", .int4), column, ColumnDescriptor("c", .int8)])
    let slot = TupleSlot(count: 1)
    slot[0] = Datum(7 as Int32)
    let buffer = TupleBuffer()
    let tuple = buffer.form(old, slot.values, slot.nulls)
    let read = TupleSlot(count: 3)
    withExtendedLifetime(buffer) {
      #expect(new.deformer.deform(tuple, read.values, read.nulls))
      #expect(read[0]?.int32 == 7 && read[1]?.bytes.string == "later" && read[2] == nil)
    }
  }

  @Test("a damaged tuple is recognized and never read beyond its end", arguments: 1...300)
  func damage(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let descriptor = TupleDescriptor(Self.types.enumerated().map { ColumnDescriptor("c\($0.offset)", $0.element) })
    let arena = Arena()
    let slot = TupleSlot(count: Self.types.count)
    for (index, type) in Self.types.enumerated() { slot[index] = Self.datum(type, random.next(), arena) }
    let buffer = TupleBuffer()
    let formed = withExtendedLifetime((buffer, arena)) {
      [UInt8](buffer.form(descriptor, slot.values, slot.nulls).bytes)
    }
    // Cut off, and changed in some places; behind it there is nothing that may be read.
    let length = HeapTuple.headerSize + 1 + Int(random.next() % UInt64(formed.count - HeapTuple.headerSize))
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 8)
    defer { memory.deallocate() }
    memory.copyBytes(from: formed.prefix(length))
    for _ in 0..<3 { memory[20 + Int(random.next() % UInt64(length - 20))] = UInt8(truncatingIfNeeded: random.next()) }
    guard let tuple = HeapTuple(memory) else { return }
    let read = TupleSlot(count: Self.types.count)
    guard descriptor.deformer.deform(tuple, read.values, read.nulls) else { return }
    guard let start = memory.baseAddress else { return }
    let end = UInt64(UInt(bitPattern: start)) + UInt64(length)
    for (index, type) in Self.types.enumerated() where !type.isByValue {
      guard let datum = read[index], datum.count > 0 else { continue }
      #expect(datum.word + UInt64(datum.count) <= end)
    }
  }
}
