/// Says which blocks a read stream shall read, one after the other. A class and not a closure or protocol, so that
/// asking for the next block costs one call through a table and no reference counting. Used by the stream's thread
/// alone.
open class BlockSource {
  public init() {}

  /// The next block, or nil at the end.
  ///
  /// It is asked ahead of the consumer. It may wait for locks and for I/O of its own: what the stream has staged, any
  /// waiter can submit.
  /// - Parameter perBufferData: memory of the stream's ``ReadStreamConfiguration/perBufferDataSize`` bytes that goes
  ///   with the block and is given out with its page; nil where that is 0.
  open func nextBlock(perBufferData: UnsafeMutableRawPointer?) -> BlockNumber? {
    fatalError("\(Self.self) does not say which blocks it wants")
  }

  /// How many blocks are certain to come, where that is known: the stream then need not find out by waiting whether
  /// looking ahead pays (a bitmap, a list, a whole relation). PostgreSQL's streams have only "full or not".
  open var certainCount: Int? { nil }
}

/// All blocks of a range, rising.
public final class BlockRange: BlockSource {
  private var next: UInt32
  private let end: UInt32
  private let isCertain: Bool

  /// - Parameters:
  ///   - blocks: from, to but not with.
  ///   - isCertain: whether the consumer will want them all, however long it takes.
  public init(_ blocks: Range<UInt32>, isCertain: Bool = false) {
    (next, end, self.isCertain) = (blocks.lowerBound, blocks.upperBound, isCertain)
  }

  public override func nextBlock(perBufferData: UnsafeMutableRawPointer?) -> BlockNumber? {
    guard next < end else { return nil }
    defer { next += 1 }
    return BlockNumber(next)
  }

  public override var certainCount: Int? { isCertain ? Int(end - next) : nil }
}

/// The blocks of a list, in its order.
public final class BlockList: BlockSource {
  private let blocks: [BlockNumber]
  private var position = 0

  public init(_ blocks: [BlockNumber]) { self.blocks = blocks }

  public override func nextBlock(perBufferData: UnsafeMutableRawPointer?) -> BlockNumber? {
    guard position < blocks.count else { return nil }
    defer { position += 1 }
    return blocks[position]
  }

  public override var certainCount: Int? { blocks.count - position }
}

/// Blocks that a closure gives.
public final class BlockClosure: BlockSource {
  private let next: () -> BlockNumber?

  public init(_ next: @escaping () -> BlockNumber?) { self.next = next }

  public override func nextBlock(perBufferData: UnsafeMutableRawPointer?) -> BlockNumber? { next() }
}
