import MillraceStorage
import MillraceTypes

/// The pages of a system table of a new cluster, made in memory.
///
/// Its rows are there for everybody and for ever, as if they had been frozen. The pages have no position in the log,
/// which begins after them, and no checksums yet.
struct CatalogImage {
  let pages: [UInt8]
  /// Where each row stands.
  private(set) var places: [TupleIdentifier] = []

  init(_ descriptor: TupleDescriptor, _ rows: [[CatalogValue]]) {
    var pages: [UInt8] = []
    let arena = Arena()
    let slot = TupleSlot(count: descriptor.count)
    let buffer = TupleBuffer()
    let page = UnsafeMutableRawBufferPointer.allocate(byteCount: PageLayout.blockSize, alignment: 8)
    defer { page.deallocate() }
    guard let base = page.baseAddress else { preconditionFailure("a page has no memory") }
    let editor = PageEditor(base)
    for row in rows {
      arena.reset()
      for (index, value) in row.enumerated() { slot[index] = value.datum(descriptor.columns[index], in: arena) }
      let tuple = buffer.form(descriptor, slot.values, slot.nulls)
      tuple.prepareForInsert(by: .bootstrap, command: 0)
      tuple.infomask.formUnion(.xminFrozen)
      let bytes = UnsafeRawBufferPointer(tuple.bytes)
      var place = pages.isEmpty ? nil : Self.add(bytes, editor, pages.count / PageLayout.blockSize - 1)
      if place == nil {
        if !pages.isEmpty { Self.replaceLast(&pages, page) }
        editor.initialize()
        pages += [UInt8](repeating: 0, count: PageLayout.blockSize)
        place = Self.add(bytes, editor, pages.count / PageLayout.blockSize - 1)
      }
      guard let place else { preconditionFailure("a row of a new cluster's system table does not fit into a page") }
      places.append(place)
    }
    if !pages.isEmpty { Self.replaceLast(&pages, page) }
    self.pages = pages
  }

  var pageCount: Int { pages.count / PageLayout.blockSize }

  private static func add(_ tuple: UnsafeRawBufferPointer, _ editor: PageEditor, _ block: Int) -> TupleIdentifier? {
    let page = HeapPage(editor.base, block: BlockNumber(UInt32(block)))
    return page.insert(tuple).map { TupleIdentifier(page.block, $0) }
  }

  private static func replaceLast(_ pages: inout [UInt8], _ page: UnsafeMutableRawBufferPointer) {
    pages.replaceSubrange(pages.count - PageLayout.blockSize..<pages.count, with: page)
  }
}
