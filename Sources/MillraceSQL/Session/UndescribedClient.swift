import MillraceTypes

/// A client that has been told of the columns before.
final class UndescribedClient: SQLClient {
  private let client: any SQLClient

  init(_ client: any SQLClient) { self.client = client }

  func beginRows(_ columns: [ResultColumn]) {}
  func rows(_ batch: RowBatch, _ range: Range<Int>) throws(SQLError) { try client.rows(batch, range) }
  func complete(_ tag: String) throws(SQLError) { try client.complete(tag) }
  func completeEmpty() throws(SQLError) { try client.completeEmpty() }
  func notice(_ severity: NoticeSeverity, _ message: SQLError) { client.notice(severity, message) }
  func settingHasChanged(_ name: String, _ value: String) { client.settingHasChanged(name, value) }
  func beginCopyOut(isBinary: Bool, columns: Int) throws(SQLError) {
    try client.beginCopyOut(isBinary: isBinary, columns: columns)
  }
  func copyData(_ bytes: UnsafeRawBufferPointer) throws(SQLError) { try client.copyData(bytes) }
  func endCopyOut() throws(SQLError) { try client.endCopyOut() }
  func beginCopyIn(isBinary: Bool, columns: Int) throws(SQLError) {
    try client.beginCopyIn(isBinary: isBinary, columns: columns)
  }
  func nextCopyData() throws(SQLError) -> ByteView? { try client.nextCopyData() }
}
