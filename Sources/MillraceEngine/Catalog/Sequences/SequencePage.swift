import MillraceStorage

/// The one page of a sequence: PostgreSQL's `FormData_pg_sequence_data` in a heap tuple, behind it a mark that says
/// what the page is (src/backend/commands/sequence.c).
struct SequencePage {
  /// What a sequence stands at.
  struct Values: Hashable, Sendable {
    /// The value given out last, or the one to give out first.
    var last: Int64
    /// How many more can be given out before the log must know.
    var logCount: Int64 = 0
    /// Whether `last` has been given out.
    var isCalled: Bool
  }

  let page: HeapPage

  /// `SEQ_MAGIC`.
  static let magic: UInt32 = 0x1717
  static let specialSize = 8
  /// Of the tuple: its header, two numbers, and a byte.
  static let tupleLength = 24 + 8 + 8 + 1

  init(_ base: UnsafeMutableRawPointer) { page = HeapPage(base, block: BlockNumber(0)) }

  /// The tuple, where this is the page of a sequence.
  private var tuple: HeapTuple? {
    let special = page.editor.special
    guard special + 4 <= PageLayout.blockSize, special >= PageLayout.headerSize,
      page.editor.base.loadUnaligned(fromByteOffset: special, as: UInt32.self) == Self.magic,
      let tuple = page.tuple(1), tuple.bytes.count >= tuple.dataOffset + 17
    else { return nil }
    return tuple
  }

  /// What it says; nil where this is not the page of a sequence.
  var values: Values? {
    guard let tuple else { return nil }
    let start = tuple.dataOffset
    return Values(
      last: tuple.load(start, as: Int64.self), logCount: tuple.load(start + 8, as: Int64.self),
      isCalled: tuple.load(start + 16, as: UInt8.self) != 0)
  }

  func set(_ values: Values) {
    guard let tuple else { preconditionFailure("values for a page that is not a sequence's") }
    Self.store(values, tuple)
  }

  private static func store(_ values: Values, _ tuple: HeapTuple) {
    let start = tuple.dataOffset
    tuple.bytes.storeBytes(of: values.last, toByteOffset: start, as: Int64.self)
    tuple.bytes.storeBytes(of: values.logCount, toByteOffset: start + 8, as: Int64.self)
    tuple.bytes.storeBytes(of: values.isCalled ? 1 : 0, toByteOffset: start + 16, as: UInt8.self)
  }

  /// Makes the page anew from a tuple.
  /// - Returns: false where that cannot be one.
  func initialize(_ tuple: UnsafeRawBufferPointer) -> Bool {
    page.editor.initialize(specialSize: Self.specialSize)
    page.editor.base.storeBytes(of: Self.magic, toByteOffset: page.editor.special, as: UInt32.self)
    return page.insert(tuple, at: 1) != nil && values != nil
  }

  /// The tuple that says certain values: frozen, since all see what a sequence stands at.
  static func form(_ values: Values) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: tupleLength)
    bytes.withMutableBytes { memory in
      let tuple = HeapTuple(forming: memory)
      tuple.xmin = .frozen
      tuple.infomask = [.xminFrozen, .xmaxInvalid]
      tuple.infomask2 = Infomask2(rawValue: 3)
      tuple.dataOffset = 24
      tuple.identifier = TupleIdentifier(BlockNumber(0), 1)
      store(values, tuple)
    }
    return bytes
  }
}
