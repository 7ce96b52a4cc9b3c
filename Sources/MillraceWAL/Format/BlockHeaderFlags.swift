/// What a record says about one of its blocks, in the byte that it shares with the fork's number: `BKPBLOCK_…`
/// (src/include/access/xlogrecord.h).
public struct BlockHeaderFlags: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The bits of the fork's number.
  static let forkMask: UInt8 = 0x0F

  /// An image of the page is there.
  public static let hasImage = BlockHeaderFlags(rawValue: 0x10)
  public static let hasData = BlockHeaderFlags(rawValue: 0x20)
  /// Redo makes the page anew, so nobody need read it.
  public static let willInitialize = BlockHeaderFlags(rawValue: 0x40)
  /// The relation is that of the block before; its locator is left out.
  public static let sameRelation = BlockHeaderFlags(rawValue: 0x80)
}

/// What a record says about an image: `BKPIMAGE_…`.
public struct BlockImageFlags: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The free space in the page's middle is left out.
  public static let hasHole = BlockImageFlags(rawValue: 0x01)
  /// Redo puts the image in the page's place. Without it, the image is there to be compared with.
  public static let apply = BlockImageFlags(rawValue: 0x02)
  public static let compressedWithPGLZ = BlockImageFlags(rawValue: 0x04)
  public static let compressedWithLZ4 = BlockImageFlags(rawValue: 0x08)
  public static let compressedWithZstandard = BlockImageFlags(rawValue: 0x10)

  static let compressed: BlockImageFlags = [.compressedWithPGLZ, .compressedWithLZ4, .compressedWithZstandard]
}
