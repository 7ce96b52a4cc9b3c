/// A page in memory, read in place.
///
/// This is a borrowed pointer: it is valid only as long as the memory holds the page and nobody writes to it, which for
/// a page in the buffer pool means while the buffer is pinned and its content locked. It checks what it must in order
/// never to read outside the page, so that a damaged page can be looked at; it does not check that the page makes
/// sense. Everything is inlinable and costs a load or two.
public struct PageView {
  @usableFromInline let base: UnsafeRawPointer

  /// - Parameter base: `PageLayout.blockSize` readable bytes, of any alignment.
  @inlinable public init(_ base: UnsafeRawPointer) {
    self.base = base
  }

  /// - Precondition: `buffer` is exactly one page long.
  @inlinable public init(_ buffer: UnsafeRawBufferPointer) {
    guard let base = buffer.baseAddress, buffer.count == PageLayout.blockSize else {
      preconditionFailure("a page view needs exactly one page of memory")
    }
    self.base = base
  }

  /// The page's bytes.
  @inlinable public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base, count: PageLayout.blockSize)
  }

  @inlinable public var header: PageHeader { PageHeader(base) }

  /// Whether the page was never initialized: PostgreSQL's `PageIsNew`.
  @inlinable public var isNew: Bool {
    base.loadUnaligned(fromByteOffset: PageLayout.Offset.upper, as: UInt16.self) == 0
  }

  /// How many line pointers the page has: PostgreSQL's `PageGetMaxOffsetNumber`. Zero for a page that is new.
  ///
  /// Not more than fit into a page, whatever a damaged header says.
  @inlinable public var itemCount: Int {
    let lower = Int(base.loadUnaligned(fromByteOffset: PageLayout.Offset.lower, as: UInt16.self))
    let end = min(lower, PageLayout.blockSize)
    return end <= PageLayout.headerSize ? 0 : (end - PageLayout.headerSize) / PageLayout.linePointerSize
  }

  /// The line pointer with that number. They are counted from 1, as PostgreSQL's offset numbers are.
  ///
  /// - Precondition: `number` is in `1...itemCount`.
  @inlinable public func linePointer(_ number: Int) -> LinePointer {
    precondition(number >= 1 && number <= itemCount, "line pointer number out of range")
    let offset = PageLayout.headerSize + (number - 1) * PageLayout.linePointerSize
    return LinePointer(rawValue: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The bytes of the item that a line pointer points to; `nil` if it has none, or if they would lie outside the page.
  @inlinable public func item(_ pointer: LinePointer) -> UnsafeRawBufferPointer? {
    guard pointer.state == .normal || pointer.state == .dead else { return nil }
    guard pointer.length > 0, pointer.offset >= PageLayout.headerSize else { return nil }
    guard pointer.offset + pointer.length <= PageLayout.blockSize else { return nil }
    return UnsafeRawBufferPointer(start: base + pointer.offset, count: pointer.length)
  }

  /// The access method's area at the end of the page; `nil` if the header puts it outside the page.
  @inlinable public var special: UnsafeRawBufferPointer? {
    let special = Int(base.loadUnaligned(fromByteOffset: PageLayout.Offset.special, as: UInt16.self))
    guard (PageLayout.headerSize...PageLayout.blockSize).contains(special) else { return nil }
    return UnsafeRawBufferPointer(start: base + special, count: PageLayout.blockSize - special)
  }
}

@available(*, unavailable, message: "a page view borrows memory that only its user keeps alive")
extension PageView: Sendable {}
