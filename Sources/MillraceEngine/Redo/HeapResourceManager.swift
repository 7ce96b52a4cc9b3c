public import MillraceStorage
public import MillraceWAL

/// Repeats, names and describes the records of heaps (PostgreSQL's heapam_xlog.c, heapdesc.c): one object for the
/// resource manager Heap, one for Heap2.
public final class HeapResourceManager: ResourceManager {
  /// - Parameter id: `.heap` or `.heap2`.
  public override init(_ id: ResourceManagerID) {
    precondition(id == .heap || id == .heap2, "not a resource manager of heaps")
    super.init(id)
  }

  private static let heapNames: [UInt8: String] = [
    0x00: "INSERT", 0x10: "DELETE", 0x20: "UPDATE", 0x30: "TRUNCATE", 0x40: "HOT_UPDATE", 0x50: "HEAP_CONFIRM",
    0x60: "LOCK", 0x70: "INPLACE",
  ]
  private static let heap2Names: [UInt8: String] = [
    0x00: "REWRITE", 0x10: "PRUNE_ON_ACCESS", 0x20: "PRUNE_VACUUM_SCAN", 0x30: "PRUNE_VACUUM_CLEANUP",
    0x40: "VISIBLE", 0x50: "MULTI_INSERT", 0x60: "LOCK_UPDATED", 0x70: "NEW_CID",
  ]

  public override func identify(_ info: UInt8) -> String? {
    let names = id == .heap ? Self.heapNames : Self.heap2Names
    guard let name = names[info & HeapRecordInfo.operationMask] else { return nil }
    return info & HeapRecordInfo.initializesPage == 0 ? name : name + "+INIT"
  }

  public override func describe(_ record: WALRecord) -> String {
    do throws(EngineError) {
      return try HeapDescription(record).text
    } catch {
      return error.description
    }
  }

  private func isVisible(_ record: WALRecord) -> Bool {
    id == .heap2 && record.info & HeapRecordInfo.operationMask == HeapRecordInfo.visible
  }

  public override func scope(of record: WALRecord) -> RedoScope {
    do throws(EngineError) {
      return try HeapRedo.clearedVisibility(record).isEmpty ? .blocks : .blocksAndMaps
    } catch {
      // It says so itself when it is repeated.
      return .everything
    }
  }

  /// Takes bits away from the visibility map, of which a record only says that they went with its change.
  public override func redoMaps(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    let cleared: [(WALBlockReference, VisibilityBits)]
    do throws(EngineError) {
      cleared = try HeapRedo.clearedVisibility(record)
    } catch {
      throw RecoveryError(.corrupted, error.message)
    }
    for (block, bits) in cleared {
      try context.changeUnlogged(block.locator, .visibilityMap, VisibilityMapPage.page(of: block.block)) { map in
        VisibilityMapPage.clear(bits, map, block.block)
      }
    }
  }

  public override func redo(
    _ record: WALRecord, _ block: WALBlockReference, on page: UnsafeMutableRawPointer
  ) throws(RecoveryError) {
    do throws(EngineError) {
      if isVisible(record) { return try redoVisible(record, block, on: page) }
      try HeapRedo.apply(record, block: block.id, on: HeapPage(page, block: block.block))
    } catch {
      throw RecoveryError(.corrupted, error.message)
    }
  }

  /// Sets a heap page's flag, or its bits in the map (heap_xlog_visible).
  private func redoVisible(
    _ record: WALRecord, _ block: WALBlockReference, on page: UnsafeMutableRawPointer
  ) throws(EngineError) {
    let editor = PageEditor(page)
    if block.id == 1 { return editor.set(.allVisible, true) }
    var fields = RecordFields(record.mainData)
    _ = try fields.next(UInt32.self)
    let bits = VisibilityBits(rawValue: try fields.next(UInt8.self)).intersection(.all)
    guard let heap = record.block(1) else { throw EngineError(.corrupted, "a WAL record lacks block 1") }
    if editor.isNew { editor.initialize() }
    VisibilityMapPage.set(bits, page, heap.block)
  }

  /// Hints in the header, commands' numbers, and what lies behind items are not repeated (`heap_mask`).
  public override func mask(_ page: UnsafeMutableRawPointer, block: BlockNumber) {
    let page = HeapPage(page, block: block)
    let hints = PageFlags([.pageFull, .hasFreeLines, .allVisible])
    page.editor.flags.subtract(hints)
    page.editor.pruneXID = .invalid
    for number in 1..<page.editor.itemCount + 1 {
      guard let tuple = page.tuple(number) else { continue }
      tuple.infomask.subtract([.xmaxCommitted, .xmaxInvalid, .comboCommand])
      if !tuple.infomask.isXminFrozen { tuple.infomask.subtract(.xminFrozen) }
      tuple.command = 0
    }
  }
}
