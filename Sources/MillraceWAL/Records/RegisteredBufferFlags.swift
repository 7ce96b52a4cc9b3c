/// What is known of a page that is registered with a record: PostgreSQL's `REGBUF_…` (src/include/access/xloginsert.h).
public struct RegisteredBufferFlags: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The record has an image of the page in any case.
  public static let forceImage = RegisteredBufferFlags(rawValue: 0x01)
  /// The record has no image of the page, even after a checkpoint.
  public static let noImage = RegisteredBufferFlags(rawValue: 0x02)
  /// Redo makes the page anew; no image is needed.
  public static let willInitialize = RegisteredBufferFlags(rawValue: 0x04 | 0x02)
  /// The page has the standard layout, so what lies between `pd_lower` and `pd_upper` need not be in the image.
  public static let standard = RegisteredBufferFlags(rawValue: 0x08)
  /// The block's data is in the record also where an image is.
  public static let keepData = RegisteredBufferFlags(rawValue: 0x10)
  /// The page is not changed and need not be marked dirty.
  public static let noChange = RegisteredBufferFlags(rawValue: 0x20)
}
