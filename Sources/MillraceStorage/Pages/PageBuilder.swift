/// Makes a page, item by item, in memory that the caller gives: PostgreSQL's `PageInit` and `PageAddItem`.
///
/// A builder is used once. It does not own the memory, which must stay in place until `finish`, and nobody else may
/// touch it meanwhile.
public struct PageBuilder: ~Copyable {
  private let page: UnsafeMutableRawPointer
  private var header: PageHeader

  /// Starts an empty page: every byte zero, but for the header, which `finish` writes.
  ///
  /// - Precondition: `page` is exactly `PageLayout.blockSize` bytes long.
  public init(_ page: UnsafeMutableRawBufferPointer, specialSize: Int = 0) {
    guard let base = page.baseAddress, page.count == PageLayout.blockSize else {
      preconditionFailure("a page builder needs exactly one page of memory")
    }
    self.page = base
    header = PageHeader(specialSize: specialSize)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: PageLayout.blockSize)
  }

  /// How many items the page has.
  public var itemCount: Int {
    (Int(header.lower) - PageLayout.headerSize) / PageLayout.linePointerSize
  }

  /// How long the next item may be, in bytes. Zero or less if there is no room for its line pointer.
  public var room: Int {
    // The item ends where the last one starts; it starts at an aligned place behind its own line pointer.
    let lowest = PageLayout.aligned(Int(header.lower) + PageLayout.linePointerSize)
    return Int(header.upper) - lowest
  }

  /// Makes room for an item, with its line pointer.
  ///
  /// - Parameter length: The item's length in bytes, more than zero.
  /// - Returns: The item's bytes, all zero, to be filled before `finish`; `nil` if they do not fit.
  public mutating func append(length: Int) -> UnsafeMutableRawBufferPointer? {
    precondition(length > 0, "an item is at least one byte long")
    guard length <= room else { return nil }
    let offset = Int(header.upper) - PageLayout.aligned(length)
    let pointer = LinePointer(offset: offset, state: .normal, length: length)
    page.storeBytes(of: pointer.rawValue, toByteOffset: Int(header.lower), as: UInt32.self)
    header.lower += UInt16(PageLayout.linePointerSize)
    header.upper = UInt16(offset)
    return UnsafeMutableRawBufferPointer(start: page + offset, count: length)
  }

  /// Writes the header, and the checksum that the page must have at that block.
  ///
  /// - Parameter block: Where the page will stand in its fork; `nil` for a cluster without checksums.
  public consuming func finish(
    lsn: LogSequenceNumber = .invalid, flags: PageFlags = [], checksumForBlock block: BlockNumber?
  ) {
    header.lsn = lsn
    header.flags = flags
    header.store(to: page)
    if let block {
      PageChecksum.set(page, block: block)
    }
  }
}
