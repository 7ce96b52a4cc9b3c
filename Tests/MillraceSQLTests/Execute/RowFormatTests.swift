import MillraceEngine
import MillraceTestSupport
import MillraceTypes
import Testing

@testable import MillraceSQL

/// Rows as bytes, and the hashes and prefixes by which they are found and sorted.
@Suite struct RowFormatTests {
  /// Columns of random values, some NULL, some by reference.
  private func fill(
    _ batch: RowBatch, isByValue: [Bool], _ arena: Arena, _ generator: inout SeededGenerator
  ) {
    for column in isByValue.indices {
      for row in 0..<batch.capacity {
        guard generator.below(5) > 0 else {
          batch.set(column, row: row, nil)
          continue
        }
        batch.set(
          column, row: row,
          isByValue[column]
            ? Datum(Int64(bitPattern: generator.next())) : arena.copy(generator.bytes(generator.below(40))))
      }
    }
    batch.setDense(batch.capacity)
  }

  @Test("what is written is read again, wherever it has been moved", arguments: [1, 2, 63, 64, 65, 130])
  func roundTrip(count: Int) {
    var generator = SeededGenerator(for: "rows of \(count) columns")
    let isByValue = (0..<count).map { _ in generator.below(2) == 0 }
    let format = RowFormat(isByValue: isByValue)
    let batch = RowBatch(columns: count, capacity: 16)
    let arena = Arena()
    fill(batch, isByValue: isByValue, arena, &generator)
    for row in 0..<batch.capacity {
      let size = format.size(batch.columns, row: row)
      #expect(size % 8 == 0)
      let memory = arena.allocate(size)
      guard let start = memory.baseAddress else { continue }
      format.write(batch.columns, row: row, to: start)
      let moved = arena.allocate(size)
      moved.copyMemory(from: UnsafeRawBufferPointer(memory))
      memory.initializeMemory(as: UInt8.self, repeating: 0xAA)
      guard let record = moved.baseAddress else { continue }
      for column in 0..<count {
        let (expected, found) = (batch.value(column, row: row), format.value(UnsafeRawPointer(record), column))
        #expect((expected == nil) == (found == nil))
        guard let expected, let found else { continue }
        #expect(isByValue[column] ? expected.word == found.word : expected.bytes.isEqual(found.bytes))
      }
    }
  }

  @Test("equal keys have equal hashes: zeros of both signs, NaNs, widths of integers, NULLs")
  func hashes() throws {
    let cases: [(TypeID, Datum, Datum)] = [
      (.float8, Datum(0.0), Datum(-0.0)), (.float4, Datum(Float(0)), Datum(-Float(0))),
      (.float8, Datum(Double.nan), Datum(Double(bitPattern: 0x7FF8_0000_0000_0001))),
      (.int8, Datum(5 as Int64), Datum(5 as Int32)), (.int4, Datum(-1 as Int32), Datum(-1 as Int16)),
    ]
    for (type, left, right) in cases {
      let keys = try HashKeys([ValueType(type)])
      let batch = RowBatch(columns: 1, capacity: 3)
      batch.set(0, row: 0, left)
      batch.set(0, row: 1, right)
      batch.set(0, row: 2, nil)
      batch.setDense(3)
      let hashes = UnsafeMutablePointer<UInt64>.allocate(capacity: 3)
      defer { hashes.deallocate() }
      let column = ColumnVector(batch.column(0), batch.columnNulls(0))
      keys.hash([column], RowSelection(batch), into: hashes)
      #expect(hashes[0] == hashes[1] && hashes[0] != hashes[2])
      #expect(keys.isEqual(0, left, right))
    }
  }

  @Test("the order of prefixes does not contradict that of values")
  func prefixes() throws {
    var generator = SeededGenerator(for: "prefixes of sort keys")
    let arena = Arena()
    func random(_ type: TypeID) -> Datum {
      switch type {
      case .int4: Datum(Int32(truncatingIfNeeded: generator.next() >> UInt64(generator.below(60))))
      case .int8: Datum(Int64(bitPattern: generator.next()) >> Int64(generator.below(60)))
      case .float8: Datum(Double(bitPattern: generator.next()))
      case .bool: Datum(generator.below(2) == 0)
      default: arena.copy(generator.bytes(generator.below(12)).map { $0 % 3 })
      }
    }
    for type in [TypeID.int4, .int8, .float8, .bool, .text] {
      for (isDescending, isNullsFirst) in [(false, false), (true, false), (false, true), (true, true)] {
        var order = SortOrder(type, equality: 0, ordering: 0)
        (order.isDescending, order.isNullsFirst) = (isDescending, isNullsFirst)
        let comparator = try RowComparator([(type, order)])
        for _ in 0..<400 {
          let left = generator.below(8) == 0 ? nil : random(type)
          let right = generator.below(8) == 0 ? nil : random(type)
          let decided = RowComparator.order(comparator.keys[0], left, right)
          let (a, b) = (comparator.prefix(left), comparator.prefix(right))
          #expect(a == b || (a < b) == (decided < 0))
        }
      }
    }
  }
}
