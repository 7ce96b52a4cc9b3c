import MillraceIO
import MillraceStorage
import MillraceWAL

/// Making and opening indexes.
extension Session {
  /// Makes an index without entries, which is there for good when the transaction commits.
  /// - Throws: ``EngineError``.
  public func createIndex(_ definition: BTreeIndex.Definition) throws(EngineError) -> BTreeIndex {
    let (_, fork) = try createStorage()
    let index = BTreeIndex(definition, fork: fork, pool: database.pool)
    try initialize(index)
    return index
  }

  /// Makes the metapage of an index whose file is empty (`btbuildempty`).
  public func initialize(_ index: BTreeIndex) throws(EngineError) {
    var page = try newPage(index)
    precondition(page.block == BTreeMetaPage.block, "an index was made of a file that is not empty")
    page.markDirty()
    BTreeMetaPage(allEqualImage: index.layout.allEqualImage).store(to: BTreePage(page.mutableBytes))
    try logImage(&page, of: index)
  }

  /// Logs a page as a whole, where changes are logged (`log_newpage_buffer`).
  func logImage(_ page: inout PinnedBuffer, of index: BTreeIndex) throws(EngineError) {
    guard index.isLogged else { return }
    builder.begin(.xlog, info: XLOGRecordKind.fullPageImage.rawValue, xid: transactionID?.rawValue ?? 0)
    builder.registerBlock(
      0, index.locator, .main, page.block, page: page.bytes, flags: [.forceImage, .standard])
    try log(&page)
  }
}

extension Database {
  /// An index by its file number, which is there already.
  /// - Throws: ``EngineError`` `.undefined` where it has no file.
  public func index(_ number: UInt32, _ definition: BTreeIndex.Definition) throws(EngineError) -> BTreeIndex {
    let locator = RelationLocator(
      tablespace: RelationLocator.defaultTablespace, database: ClusterLayout.defaultDatabase, relNumber: number)
    do throws(IOError) {
      guard try storage.exists(locator) else {
        throw IOError(.invalidConfiguration, message: "index \(number) does not exist")
      }
    } catch {
      throw EngineError(error.code == .invalidConfiguration ? .undefined : .io, error.description)
    }
    return BTreeIndex(definition, fork: storage.open(locator), pool: pool)
  }
}
