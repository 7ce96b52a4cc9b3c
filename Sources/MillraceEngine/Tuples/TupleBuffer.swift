import MillraceStorage
public import MillraceTypes

/// Memory in which tuples are formed from datums, one after another: PostgreSQL's `heap_form_tuple`
/// (src/backend/access/common/heaptuple.c). Grows to the longest tuple and then allocates nothing. Used by one thread.
public final class TupleBuffer {
  private var memory: UnsafeMutableRawBufferPointer

  public init() { memory = .allocate(byteCount: PageLayout.blockSize, alignment: 8) }

  deinit { memory.deallocate() }

  /// Forms a tuple, however long.
  /// - Parameters:
  ///   - values: as many as there are columns.
  ///   - nulls: the same. Dropped columns are null, whatever this says.
  /// - Returns: the tuple, in this buffer: valid until the next. Its header says nothing of transactions yet.
  public func form(
    _ descriptor: TupleDescriptor, _ values: UnsafePointer<Datum>, _ nulls: UnsafePointer<Bool>
  ) -> HeapTuple {
    form(descriptor.former, descriptor.former.layout(values, nulls), values, nulls)
  }

  /// The same, where it is known how long the tuple gets.
  func form(
    _ former: TupleFormer, _ layout: TupleFormer.Layout, _ values: UnsafePointer<Datum>,
    _ nulls: UnsafePointer<Bool>
  ) -> HeapTuple {
    reserve(layout.length)
    return former.form(layout, values, nulls, into: UnsafeMutableRawBufferPointer(rebasing: memory[..<layout.length]))
  }

  private func reserve(_ count: Int) {
    guard memory.count < count else { return }
    memory.deallocate()
    memory = .allocate(byteCount: max(count, memory.count * 2), alignment: 8)
  }
}
