/// The pieces of data that a record is made of, in chains: one for each block and one for the record itself. A piece is
/// a range of the caller's memory, or of a scratch area that values are copied into.
///
/// Memory grows to what the largest record needed and stays so; a warm table allocates nothing.
struct PieceTable: ~Copyable {
  /// The pieces of one block, or of the record itself.
  struct Chain {
    var head: Int32 = -1
    var tail: Int32 = -1
    /// Of all its pieces.
    var byteCount = 0
  }

  private struct Piece {
    /// nil where the bytes are in the scratch area, at `offset`.
    var base: UnsafeRawPointer?
    var offset: Int
    var byteCount: Int
    var next: Int32
  }

  private(set) var pieceCount = 0
  private var pieces: UnsafeMutablePointer<Piece>
  private var pieceCapacity = 32
  private var scratch: UnsafeMutableRawPointer
  private var scratchCount = 0
  private var scratchCapacity = 1024

  init() {
    pieces = .allocate(capacity: pieceCapacity)
    scratch = .allocate(byteCount: scratchCapacity, alignment: 8)
  }

  deinit {
    pieces.deallocate()
    scratch.deallocate()
  }

  /// Forgets all chains.
  mutating func removeAll() {
    pieceCount = 0
    scratchCount = 0
  }

  /// Adds memory that stays the caller's.
  mutating func append(_ bytes: UnsafeRawBufferPointer, to chain: inout Chain) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    link(Piece(base: base, offset: 0, byteCount: bytes.count, next: -1), to: &chain)
  }

  /// Adds room in the scratch area. - Returns: the room, good until the next call.
  mutating func appendScratch(byteCount: Int, to chain: inout Chain) -> UnsafeMutableRawPointer {
    if scratchCount + byteCount > scratchCapacity { growScratch(toHold: scratchCount + byteCount) }
    let offset = scratchCount
    scratchCount += byteCount
    if chain.tail >= 0 {
      let tail = pieces + Int(chain.tail)
      if tail.pointee.base == nil, tail.pointee.offset + tail.pointee.byteCount == offset {
        tail.pointee.byteCount += byteCount
        chain.byteCount += byteCount
        return scratch + offset
      }
    }
    link(Piece(base: nil, offset: offset, byteCount: byteCount, next: -1), to: &chain)
    return scratch + offset
  }

  /// Calls `body` with the pieces of a chain, in order.
  func forEach(_ chain: Chain, _ body: (UnsafeRawBufferPointer) -> Void) {
    var next = chain.head
    while next >= 0 {
      let piece = pieces[Int(next)]
      body(
        UnsafeRawBufferPointer(start: piece.base ?? UnsafeRawPointer(scratch) + piece.offset, count: piece.byteCount))
      next = piece.next
    }
  }

  private mutating func link(_ piece: Piece, to chain: inout Chain) {
    if pieceCount == pieceCapacity { growPieces() }
    (pieces + pieceCount).initialize(to: piece)
    if chain.tail >= 0 { pieces[Int(chain.tail)].next = Int32(pieceCount) } else { chain.head = Int32(pieceCount) }
    chain.tail = Int32(pieceCount)
    chain.byteCount += piece.byteCount
    pieceCount += 1
  }

  private mutating func growPieces() {
    let grown = UnsafeMutablePointer<Piece>.allocate(capacity: pieceCapacity * 2)
    grown.moveInitialize(from: pieces, count: pieceCount)
    pieces.deallocate()
    (pieces, pieceCapacity) = (grown, pieceCapacity * 2)
  }

  private mutating func growScratch(toHold byteCount: Int) {
    let capacity = max(scratchCapacity * 2, byteCount)
    let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
    grown.copyMemory(from: scratch, byteCount: scratchCount)
    scratch.deallocate()
    (scratch, scratchCapacity) = (grown, capacity)
  }
}
