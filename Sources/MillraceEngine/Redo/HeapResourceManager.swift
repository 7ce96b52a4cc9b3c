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

  public override func redo(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    if id == .heap2, record.info & HeapRecordInfo.operationMask == HeapRecordInfo.visible {
      return try redoVisible(record, context)
    }
    do throws(EngineError) {
      for (block, bits) in try HeapRedo.clearedVisibility(record) {
        do throws(RecoveryError) {
          try context.changeUnlogged(block.locator, .visibilityMap, VisibilityMapPage.page(of: block.block)) { map in
            VisibilityMapPage.clear(bits, map, block.block)
          }
        } catch {
          throw EngineError(.io, error.description)
        }
      }
    } catch {
      throw RecoveryError(error.code == .io ? .io : .corrupted, error.message)
    }
    // The old version's page first, as those who changed them had locked both: the new one is found through the old.
    for block in record.blocks.reversed() {
      _ = try context.redo(record, block.id, mode: block.willInitialize ? .zeroAndLock : .normal) {
        page, _ throws(RecoveryError) in
        do throws(EngineError) {
          try HeapRedo.apply(record, block: block.id, on: HeapPage(page, block: block.block))
        } catch {
          throw RecoveryError(.corrupted, error.message)
        }
      }
    }
  }

  /// Sets a heap page's flag, and its bits in the map, which may have to be made longer (heap_xlog_visible).
  private func redoVisible(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    var fields = RecordFields(record.mainData)
    let bits: VisibilityBits
    do throws(EngineError) {
      _ = try fields.next(UInt32.self)
      bits = VisibilityBits(rawValue: try fields.next(UInt8.self)).intersection(.all)
    } catch {
      throw RecoveryError(.corrupted, error.message)
    }
    guard let heap = record.block(1) else {
      throw RecoveryError(.corrupted, "failed to locate backup block with ID 1 in WAL record")
    }
    _ = try context.redo(record, 1) { page, _ in PageEditor(page).set(.allVisible, true) }
    _ = try context.redo(record, 0) { page, _ in
      let editor = PageEditor(page)
      if editor.isNew { editor.initialize() }
      VisibilityMapPage.set(bits, page, heap.block)
    }
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
