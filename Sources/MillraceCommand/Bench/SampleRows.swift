import MillraceEngine
import MillraceStorage

/// Rows of `(id int8, payload text)`, as the comparisons with PostgreSQL insert them. Used by one thread.
final class SampleRows {
  /// The payload's bytes: what is inserted, and what updates make of it.
  private let payloads: [[UInt8]]
  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: HeapPage.tupleLengthMax, alignment: 8)

  /// - Parameter payload: bytes of text.
  init(payload: Int) {
    payloads = ["x", "y"].map { [UInt8](repeating: $0.utf8.first ?? 0, count: payload) }
  }

  deinit { memory.deallocate() }

  /// A row, in memory that the next one takes again.
  func row(_ id: Int64, isUpdated: Bool = false) throws(EngineError) -> HeapTuple {
    var writer = TupleWriter(memory, attributeCount: 2)
    writer.append(id)
    writer.append(text: payloads[isUpdated ? 1 : 0])
    return try writer.finish()
  }
}
