import MillraceIO
public import MillraceStorage
import MillraceWAL

/// What is known of a heap page as a whole: PostgreSQL's visibility map (src/backend/access/heap/visibilitymap.c).
public struct VisibilityBits: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8

  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Every tuple of the page is seen by everyone: an index alone can answer for it.
  @inlinable public static var allVisible: Self { Self(rawValue: 1) }
  /// Besides, none of them carries a transaction's number that could get old.
  @inlinable public static var allFrozen: Self { Self(rawValue: 2) }
  @inlinable public static var all: Self { [.allVisible, .allFrozen] }
}

/// Where a heap page's two bits stand, and how a page of the map is changed: for those who do it and for recovery.
struct VisibilityMapPage {
  static let blocksPerByte: UInt32 = 4
  static let blocksPerPage = UInt32(PageLayout.blockSize - PageLayout.headerSize) * blocksPerByte

  static func page(of heapBlock: BlockNumber) -> BlockNumber { BlockNumber(heapBlock.rawValue / blocksPerPage) }

  private static func place(of heapBlock: BlockNumber) -> (byte: Int, shift: UInt8) {
    let index = heapBlock.rawValue % blocksPerPage
    return (PageLayout.headerSize + Int(index / blocksPerByte), UInt8(index % blocksPerByte) * 2)
  }

  static func bits(_ map: UnsafeRawPointer, _ heapBlock: BlockNumber) -> VisibilityBits {
    let (byte, shift) = place(of: heapBlock)
    return VisibilityBits(rawValue: map.load(fromByteOffset: byte, as: UInt8.self) >> shift & 3)
  }

  /// - Returns: whether that changes anything.
  @discardableResult
  static func set(_ bits: VisibilityBits, _ map: UnsafeMutableRawPointer, _ heapBlock: BlockNumber) -> Bool {
    let (byte, shift) = place(of: heapBlock)
    let old = map.load(fromByteOffset: byte, as: UInt8.self)
    let new = old | bits.rawValue << shift
    map.storeBytes(of: new, toByteOffset: byte, as: UInt8.self)
    return old != new
  }

  @discardableResult
  static func clear(_ bits: VisibilityBits, _ map: UnsafeMutableRawPointer, _ heapBlock: BlockNumber) -> Bool {
    let (byte, shift) = place(of: heapBlock)
    let old = map.load(fromByteOffset: byte, as: UInt8.self)
    let new = old & ~(bits.rawValue << shift)
    map.storeBytes(of: new, toByteOffset: byte, as: UInt8.self)
    return old != new
  }

  /// How many heap pages of a page of the map have each bit.
  static func count(_ map: UnsafeRawPointer) -> (allVisible: UInt32, allFrozen: UInt32) {
    var (visible, frozen) = (0, 0)
    for offset in stride(from: PageLayout.headerSize, to: PageLayout.blockSize, by: 8) {
      let word = map.load(fromByteOffset: offset, as: UInt64.self)
      visible += (word & 0x5555_5555_5555_5555).nonzeroBitCount
      frozen += (word & 0xAAAA_AAAA_AAAA_AAAA).nonzeroBitCount
    }
    return (UInt32(visible), UInt32(frozen))
  }
}

/// Reads a table's visibility map, keeping the last pages of it pinned that were read: each speaks for 255 MiB of the
/// table. On its session's thread.
public final class VisibilityMap {
  private let session: Session
  private let relation: HeapRelation
  /// Where pages are remembered, by their numbers, and what keeps them pinned.
  private let slots: UnsafeMutablePointer<Slot>
  private var pages = [Page?](repeating: nil, count: slotCount)

  private struct Slot {
    var block = BlockNumber.invalid
    var bytes: UnsafeRawPointer?
  }

  private static let slotCount = 8

  public init(_ relation: HeapRelation, _ session: Session) {
    (self.relation, self.session) = (relation, session)
    slots = .allocate(capacity: Self.slotCount)
    slots.initialize(repeating: Slot(), count: Self.slotCount)
  }

  deinit { slots.deallocate() }

  /// What is known of a heap page at some moment during the call. Whoever acts on it must know what happened since:
  /// a bit that was set when a snapshot's reader looked says that the snapshot sees all tuples that an index leads to.
  /// - Complexity: one load where its page of the map is one of those that were read last.
  @inline(__always) public func bits(of heapBlock: BlockNumber) throws(EngineError) -> VisibilityBits {
    let wanted = VisibilityMapPage.page(of: heapBlock)
    let number = Int(wanted.rawValue) & (Self.slotCount - 1)
    if slots[number].block != wanted { try read(wanted, into: number) }
    guard let bytes = slots[number].bytes else { return [] }
    return VisibilityMapPage.bits(bytes, heapBlock)
  }

  /// Pins a page of the map; one that is not there is not remembered.
  @inline(never) private func read(_ wanted: BlockNumber, into number: Int) throws(EngineError) {
    slots[number] = Slot()
    pages[number] = nil
    guard let pinned = try session.mapPage(relation.visibilityFork, wanted, of: relation) else { return }
    let page = Page(pinned)
    pages[number] = page
    slots[number] = Slot(block: wanted, bytes: page.bytes)
  }

  /// How many heap pages are all-visible, and all-frozen (visibilitymap_count).
  public func counts() throws(EngineError) -> (allVisible: UInt32, allFrozen: UInt32) {
    var (visible, frozen): (UInt32, UInt32) = (0, 0)
    for number in 0..<(try session.blockCount(of: relation.visibilityFork)) {
      guard let page = try session.mapPage(relation.visibilityFork, BlockNumber(number), of: relation) else { continue }
      let counts = VisibilityMapPage.count(page.bytes)
      (visible, frozen) = (visible + counts.allVisible, frozen + counts.allFrozen)
    }
    return (visible, frozen)
  }
}

/// Changing the maps.
extension Session {
  func blockCount(of fork: StoredFork) throws(EngineError) -> UInt32 {
    do throws(IOError) { return try fork.blockCount() } catch { throw EngineError(error) }
  }

  /// A page of a map; nil where the map does not reach so far. A damaged page reads as empty: a map can lose what it
  /// knows.
  func mapPage(
    _ fork: StoredFork, _ block: BlockNumber, of relation: HeapRelation
  ) throws(EngineError) -> PinnedBuffer? {
    guard block.rawValue < (try blockCount(of: fork)) else { return nil }
    do throws(StorageError) {
      return try relation.pool.read(
        fork, block, backend, flags: .zeroOnError, onWarning: database.configuration.onNotice)
    } catch {
      throw EngineError(error)
    }
  }

  /// A page of a map, which is made longer if need be; locked exclusively and initialized.
  func writableMapPage(
    _ fork: StoredFork, _ block: BlockNumber, of relation: HeapRelation
  ) throws(EngineError) -> PinnedBuffer {
    try extendMap(fork, toHold: block, of: relation)
    guard var page = try mapPage(fork, block, of: relation) else {
      throw EngineError(.corrupted, "block \(block) of \(fork.path) has gone")
    }
    page.lock(.exclusive, backend: backend)
    let editor = PageEditor(page.mutableBytes)
    if editor.isNew {
      editor.initialize()
      page.markDirty()
    }
    return page
  }

  /// One session at a time makes a map longer; new pages are empty ones.
  private func extendMap(
    _ fork: StoredFork, toHold block: BlockNumber, of relation: HeapRelation
  ) throws(EngineError) {
    if block.rawValue < (try blockCount(of: fork)) { return }
    try database.mapExtension.withLock { _ throws(EngineError) in
      do throws(IOError) {
        let backend = relation.temporaryBackend
        if try fork.blockCount() == 0, try !database.storage.exists(fork.locator, fork.fork, backend: backend) {
          try database.storage.create(fork.locator, fork.fork, backend: backend)
        }
      } catch {
        throw EngineError(error)
      }
      while (try blockCount(of: fork)) <= block.rawValue {
        do throws(StorageError) {
          _ = try relation.pool.extend(fork, by: 1, backend)
        } catch {
          throw EngineError(error)
        }
      }
    }
  }

  /// Takes bits away before a heap page is changed. The heap page is locked exclusively, and its log record says that
  /// this happens.
  /// - Returns: whether they were there.
  @discardableResult
  func clearVisibility(
    _ bits: VisibilityBits, _ heapBlock: BlockNumber, of relation: HeapRelation
  ) throws(EngineError) -> Bool {
    let wanted = VisibilityMapPage.page(of: heapBlock)
    guard var page = try mapPage(relation.visibilityFork, wanted, of: relation) else { return false }
    page.lock(.exclusive, backend: backend)
    guard !VisibilityMapPage.bits(page.bytes, heapBlock).isDisjoint(with: bits) else { return false }
    let isChanged = VisibilityMapPage.clear(bits, page.mutableBytes, heapBlock)
    if isChanged { page.markDirty() }
    return isChanged
  }

  /// Says of a heap page that it is all-visible, or all-frozen too (visibilitymap_set).
  /// - Parameters:
  ///   - heap: the page, locked exclusively; its flag is set here, too.
  ///   - horizon: the newest transaction whose insertion is thereby said to be seen by all; invalid where that is known
  ///     already.
  func setVisibility(
    _ bits: VisibilityBits, _ heap: inout PinnedBuffer, of relation: HeapRelation, horizon: TransactionID
  ) throws(EngineError) {
    let block = heap.block
    var map = try writableMapPage(relation.visibilityFork, VisibilityMapPage.page(of: block), of: relation)
    guard VisibilityMapPage.set(bits, map.mutableBytes, block) else { return }
    map.markDirty()
    let editor = PageEditor(heap.mutableBytes)
    if !editor.flags.contains(.allVisible) { editor.set(.allVisible, true) }
    heap.markDirty()
    guard relation.isLogged else { return }
    builder.begin(.heap2, info: HeapRecordInfo.visible)
    builder.appendData(horizon.rawValue)
    builder.appendData(bits.rawValue)
    builder.registerBlock(0, relation.locator, .visibilityMap, map.block, page: map.bytes)
    builder.registerBlock(
      1, relation.locator, .main, block, page: heap.bytes,
      flags: database.pool.checksums ? .standard : [.standard, .noImage])
    do throws(EngineError) {
      let end = try log()
      map.setLSN(end)
      if database.pool.checksums { heap.setLSN(end) }
    } catch {
      map.setLSN(LogSequenceNumber(.max))
      heap.setLSN(LogSequenceNumber(.max))
      throw error
    }
  }
}
