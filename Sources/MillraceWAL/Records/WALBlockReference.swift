public import MillraceStorage

/// What a record says about one block: PostgreSQL's `DecodedBkpBlock`. Valid as long as its ``WALRecord``.
public struct WALBlockReference {
  /// The number by which redo finds it.
  public internal(set) var id: Int
  public internal(set) var locator: RelationLocator
  public internal(set) var fork: ForkNumber
  public internal(set) var block: BlockNumber
  public internal(set) var flags: BlockHeaderFlags
  public internal(set) var image: WALBlockImage?
  /// What redo needs to change the page; left out, unless it was to be kept, where there is an image.
  public internal(set) var data: UnsafeRawBufferPointer

  /// Whether redo puts the image in the page's place.
  public var appliesImage: Bool { image?.flags.contains(.apply) ?? false }
  /// Whether redo makes the page without looking at the old one.
  public var willInitialize: Bool { flags.contains(.willInitialize) }
}

/// A page, less what could be left out of it.
public struct WALBlockImage {
  public internal(set) var flags: BlockImageFlags
  /// The bytes that are zero and not in the image.
  public internal(set) var hole: Range<Int>
  /// The page without the hole, perhaps compressed.
  public internal(set) var bytes: UnsafeRawBufferPointer

  /// Makes the page that it is the image of (PostgreSQL's RestoreBlockImage).
  /// - Parameter page: `PageLayout.blockSize` writable bytes. Their contents are undefined if this throws.
  /// - Throws: ``WALProblem`` `.image`, where the compression is one that is not supported or the bytes make no sense.
  public func restore(
    to page: UnsafeMutableRawPointer, record: LogSequenceNumber, blockID: Int
  ) throws(WALProblem) {
    let length = PageLayout.blockSize - hole.count
    // Where the page has a hole, the front goes in place and the rest is moved behind it.
    if flags.isDisjoint(with: .compressed) {
      guard let source = bytes.baseAddress, bytes.count == length else {
        throw WALProblem(.image, "could not restore image at \(record) with invalid state, block \(blockID)")
      }
      page.copyMemory(from: source, byteCount: hole.lowerBound)
      (page + hole.upperBound).copyMemory(
        from: source + hole.lowerBound, byteCount: PageLayout.blockSize - hole.upperBound)
    } else {
      try decompress(to: page, byteCount: length, record: record, blockID: blockID)
      (page + hole.upperBound).copyMemory(
        from: page + hole.lowerBound, byteCount: PageLayout.blockSize - hole.upperBound)
    }
    (page + hole.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: hole.count)
  }

  private func decompress(
    to page: UnsafeMutableRawPointer, byteCount: Int, record: LogSequenceNumber, blockID: Int
  ) throws(WALProblem) {
    guard flags.contains(.compressedWithPGLZ) else {
      let method = flags.contains(.compressedWithLZ4) ? "lz4" : "zstd"
      throw WALProblem(
        .image,
        "could not restore image at \(record) compressed with \(method) not supported by build, block \(blockID)")
    }
    guard PGLZ.decompress(bytes, to: UnsafeMutableRawBufferPointer(start: page, count: byteCount)) else {
      throw WALProblem(.image, "could not decompress image at \(record), block \(blockID)")
    }
  }
}
