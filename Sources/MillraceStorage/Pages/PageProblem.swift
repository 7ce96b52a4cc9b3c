/// One thing that is wrong with a page, in words and numbers that a person can act on.
public enum PageProblem: Sendable, Hashable {
  /// The checksum in the header is not the one that the page's bytes have at this block.
  case checksum(expected: UInt16, found: UInt16)
  /// A field of the header makes no sense.
  case header(HeaderDefect)
  /// The header says that the page was never initialized, and yet this byte is not zero.
  case uninitialized(firstNonzeroByte: Int)
  /// These bytes are all zero where items or line pointers should be. The range starts or ends inside the page.
  case zeroed(Range<Int>)
  /// Every byte from here to the end is zero where items should be: what a torn write of a new page leaves behind.
  case zeroedTail(from: Int)
  /// The page's checksum is right for another block: the page may have been written to the wrong place.
  ///
  /// `confirmed` if the tuples on the page say so, too. The checksum alone is a hint: it fits a wrong block once in
  /// 65,535 trials, and because the block number is mixed in by exclusive or, a flipped bit of the checksum field
  /// itself makes the page look like a neighbour's.
  case misplaced(belongsTo: BlockNumber, confirmed: Bool)

  /// What can be wrong with the header, with the values that are.
  public enum HeaderDefect: Sendable, Hashable {
    case unknownFlags(UInt16)
    case lowerInsideHeader(UInt16)
    case lowerBeyondUpper(lower: UInt16, upper: UInt16)
    case upperBeyondSpecial(upper: UInt16, special: UInt16)
    case specialBeyondPage(UInt16)
    case specialUnaligned(UInt16)
    case pageSize(Int)
    case layoutVersion(UInt8)
  }
}

extension PageProblem.HeaderDefect: CustomStringConvertible {
  /// PostgreSQL's name of the field.
  public var field: String {
    switch self {
    case .unknownFlags: "pd_flags"
    case .lowerInsideHeader, .lowerBeyondUpper: "pd_lower"
    case .upperBeyondSpecial: "pd_upper"
    case .specialBeyondPage, .specialUnaligned: "pd_special"
    case .pageSize, .layoutVersion: "pd_pagesize_version"
    }
  }

  /// What the field holds.
  public var value: Int {
    switch self {
    case .unknownFlags(let value), .lowerInsideHeader(let value), .specialBeyondPage(let value),
      .specialUnaligned(let value), .lowerBeyondUpper(let value, _), .upperBeyondSpecial(let value, _):
      Int(value)
    case .pageSize(let value): value
    case .layoutVersion(let value): Int(value)
    }
  }

  public var description: String {
    switch self {
    case .unknownFlags(let flags):
      "pd_flags is \(hexadecimal(flags)), which has bits other than \(hexadecimal(PageFlags.valid.rawValue))"
    case .lowerInsideHeader(let lower):
      "pd_lower is \(lower), inside the header of \(PageLayout.headerSize) bytes"
    case .lowerBeyondUpper(let lower, let upper):
      "pd_lower is \(lower), beyond pd_upper, which is \(upper)"
    case .upperBeyondSpecial(let upper, let special):
      "pd_upper is \(upper), beyond pd_special, which is \(special)"
    case .specialBeyondPage(let special):
      "pd_special is \(special), beyond the page of \(PageLayout.blockSize) bytes"
    case .specialUnaligned(let special):
      "pd_special is \(special), not a multiple of \(PageLayout.maximumAlignment)"
    case .pageSize(let size):
      "pd_pagesize_version gives a page size of \(size), not \(PageLayout.blockSize)"
    case .layoutVersion(let version):
      "pd_pagesize_version gives layout version \(version), not \(PageLayout.version)"
    }
  }
}

extension PageProblem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .checksum(let expected, let found):
      "checksum is \(hexadecimal(found)), expected \(hexadecimal(expected))"
    case .header(let defect):
      defect.description
    case .uninitialized(let byte):
      "header is uninitialized (pd_upper is 0) but the page is not empty: byte \(byte) is not zero"
    case .zeroed(let range):
      "zeroed: bytes \(range.lowerBound) to \(range.upperBound - 1) are all zero"
    case .zeroedTail(let start):
      "torn: every byte from \(start) to the end of the page is zero"
    case .misplaced(let block, confirmed: true):
      "misplaced: checksum and tuples are those of block \(block)"
    case .misplaced(let block, confirmed: false):
      "possibly misplaced: the checksum would be right for block \(block)"
    }
  }
}

/// A 16-bit number as PostgreSQL's tools print checksums, with a prefix.
private func hexadecimal(_ value: UInt16) -> String {
  "0x" + String(value, radix: 16, uppercase: true)
}
