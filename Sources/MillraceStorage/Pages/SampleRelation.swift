/// A table made up from a seed, page by page, for demonstrations and tests: `(id int4, value int4, body text)`.
///
/// Every page is the same function of the seed and its block number, so pages can be made in any order, by any thread,
/// and compared again later. PostgreSQL reads the pages as its own: the tuples are frozen, and the checksum is right.
public struct SampleRelation: Sendable, Hashable {
  /// What the values are derived from.
  public let seed: UInt64

  public init(seed: UInt64 = 1) {
    self.seed = seed
  }

  /// Bytes of `body`: a multiple of eight, and short enough for the one-byte length that PostgreSQL uses up to 126.
  public static let bodyLength = 80

  /// Bytes of a tuple: header, two integers, the length of `body`, `body`.
  private static let tupleLength = HeapTupleHeader.dataOffset + 4 + 4 + 1 + bodyLength

  /// Rows on every page: as many as fit.
  public static let rowsPerPage =
    (PageLayout.blockSize - PageLayout.headerSize) / (PageLayout.aligned(tupleLength) + PageLayout.linePointerSize)

  /// One row. Row `n`, counted from zero, has the id `n` and stands on page `n / rowsPerPage`.
  public struct Row: Sendable, Hashable {
    public let id: Int32
    public let value: Int32
    private let bodySeed: UInt64

    fileprivate init(id: Int32, word: UInt64) {
      self.id = id
      value = Int32(truncatingIfNeeded: word)
      bodySeed = word
    }

    /// `bodyLength` letters from `a` to `p`.
    public var body: String {
      let words = (0..<SampleRelation.bodyLength / 8).map(letters)
      return words.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// Eight letters of the body, the first in the lowest byte: one for each four bits of half a random word.
    fileprivate func letters(_ index: Int) -> UInt64 {
      var spread = SampleRelation.mixed(bodySeed &+ SampleRelation.increment &* UInt64(index + 1)) >> 32
      spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
      spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
      spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F
      return spread &+ 0x6161_6161_6161_6161
    }
  }

  /// - Precondition: `id` is not negative.
  public func row(_ id: Int32) -> Row {
    precondition(id >= 0, "rows are numbered from zero")
    let word = Self.mixed(seed &+ Self.increment &* (UInt64(id) + 1))
    return Row(id: id, word: word)
  }

  /// Makes the page that stands at that block.
  ///
  /// - Parameters:
  ///   - page: Exactly `PageLayout.blockSize` writable bytes that nobody else uses.
  ///   - block: Where the page will stand. Row ids are 32 bits wide, so there is a last block.
  ///   - checksums: Whether the cluster keeps checksums.
  /// - Precondition: The ids of the page's rows fit into an `int4`.
  public func fill(_ page: UnsafeMutableRawBufferPointer, block: BlockNumber, checksums: Bool = true) {
    let firstID = Int(block.rawValue) * Self.rowsPerPage
    precondition(firstID + Self.rowsPerPage <= Int(Int32.max), "the sample relation has no such block")
    var builder = PageBuilder(page)
    for index in 0..<Self.rowsPerPage {
      guard let tuple = builder.append(length: Self.tupleLength), let base = tuple.baseAddress else {
        preconditionFailure("the rows of a sample page do not fit it")
      }
      let header = HeapTupleHeader(
        frozenAt: block, offsetNumber: UInt16(index + 1), attributeCount: 3, hasVariableWidth: true)
      header.store(to: base)
      Self.store(row(Int32(firstID + index)), to: base + HeapTupleHeader.dataOffset)
    }
    builder.finish(flags: .allVisible, checksumForBlock: checksums ? block : nil)
  }

  private static func store(_ row: Row, to data: UnsafeMutableRawPointer) {
    data.storeBytes(of: row.id, toByteOffset: 0, as: Int32.self)
    data.storeBytes(of: row.value, toByteOffset: 4, as: Int32.self)
    // A text of at most 126 bytes starts with one byte: its length including that byte, and a one as the lowest bit.
    data.storeBytes(of: UInt8((bodyLength + 1) << 1 | 1), toByteOffset: 8, as: UInt8.self)
    for index in 0..<bodyLength / 8 {
      data.storeBytes(of: row.letters(index), toByteOffset: 9 + index * 8, as: UInt64.self)
    }
  }

  // SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
  fileprivate static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

  fileprivate static func mixed(_ word: UInt64) -> UInt64 {
    var word = word
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }
}
