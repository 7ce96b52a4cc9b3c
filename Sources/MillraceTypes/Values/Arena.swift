/// Memory for values passed by reference: what a query makes row by row and forgets all at once.
///
/// Allocation moves a pointer. ``reset()`` keeps the chunks, so that once an arena is as large as it needs to be
/// nothing is asked of the system any more. What was allocated is aligned to eight bytes unless asked otherwise, and
/// stays where it is until the next reset or the arena's end. One thread uses an arena at a time.
public final class Arena {
  private struct Chunk {
    let start: UnsafeMutableRawPointer
    let count: Int
  }

  private var chunks: [Chunk] = []
  /// The chunk that is being filled; those before it are full.
  private var current = -1
  private var next: UnsafeMutableRawPointer
  private var end: UnsafeMutableRawPointer
  private let chunkSize: Int

  /// - Parameter chunkSize: how many bytes are asked of the system at a time; larger values get a chunk of their own.
  public init(chunkSize: Int = 64 * 1024) {
    self.chunkSize = chunkSize
    // Nothing lies between the two, so the first allocation makes a chunk.
    next = UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped
    end = next
  }

  deinit {
    for chunk in chunks { chunk.start.deallocate() }
  }

  /// Bytes that have no value yet.
  /// - Parameter alignment: a power of two, at most 16.
  public func allocate(_ count: Int, alignment: Int = 8) -> UnsafeMutableRawBufferPointer {
    precondition(count >= 0 && alignment <= 16, "an arena aligns to at most 16 bytes, not \(alignment)")
    var start = next.alignedUp(toMultipleOf: alignment)
    if end - start < count {
      advance(toFit: count)
      start = next
    }
    next = start + count
    return UnsafeMutableRawBufferPointer(start: start, count: count)
  }

  /// Goes on with a chunk that has room for `count` bytes: one that an earlier use left, or a new one.
  private func advance(toFit count: Int) {
    let following = current + 1
    if let fitting = chunks.indices[following...].first(where: { chunks[$0].count >= count }) {
      chunks.swapAt(fitting, following)
    } else {
      let size = max(count, chunkSize)
      let start = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
      chunks.insert(Chunk(start: start, count: size), at: following)
    }
    current = following
    next = chunks[following].start
    end = next + chunks[following].count
  }

  /// Forgets all values at once. Their addresses mean nothing any more.
  public func reset() {
    guard !chunks.isEmpty else { return }
    current = 0
    next = chunks[0].start
    end = next + chunks[0].count
  }

  /// The memory that the arena holds, in bytes, used or not.
  public var capacity: Int { chunks.reduce(0) { $0 + $1.count } }

  /// A copy of the bytes that lives as long as the arena's other values.
  public func copy(_ bytes: ByteView) -> Datum {
    let target = allocate(bytes.count)
    target.copyMemory(from: bytes.buffer)
    return Datum(UnsafeRawBufferPointer(target))
  }

  @inlinable public func copy(_ bytes: [UInt8]) -> Datum { bytes.withByteView { copy($0) } }

  public func copy(_ text: String) -> Datum {
    var text = text
    return text.withUTF8 { copy(ByteView(UnsafeRawBufferPointer($0))) }
  }

  /// A copy of a datum, whatever its type, that does not depend on where the original lies.
  public func copy(_ datum: Datum, isByValue: Bool) -> Datum {
    if isByValue { return datum }
    return Datum(copy(datum.bytes).bytes, isToasted: datum.isToasted)
  }

  /// A value of `count` bytes that `fill` writes.
  @inlinable public func make<Failure: Error>(
    _ count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) -> Datum {
    let target = allocate(count)
    try fill(target)
    return Datum(UnsafeRawBufferPointer(target))
  }

  /// A value that `body` appends to a buffer, which is used again by the next.
  @inlinable public func make<Failure: Error>(_ body: (inout [UInt8]) throws(Failure) -> Void) throws(Failure) -> Datum
  {
    // Taken out while it is in use, so that a `body` that makes a value itself does no harm.
    var buffer: [UInt8] = []
    swap(&buffer, &scratch)
    buffer.removeAll(keepingCapacity: true)
    defer { swap(&buffer, &scratch) }
    try body(&buffer)
    return copy(buffer)
  }

  @usableFromInline var scratch: [UInt8] = []
}
