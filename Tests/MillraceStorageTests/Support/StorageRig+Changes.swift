import Foundation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Pages that are changed, and what of that is on disk.
extension StorageRig {
  /// Where a page carries the value that tests give it.
  static let valueOffset = 4096

  func read(_ block: UInt32, _ backend: IOBackend) throws(StorageError) -> Page {
    Page(try pool.read(fork, BlockNumber(block), backend))
  }

  /// Gives a page a value, as if a log record had ended at an LSN.
  func change(_ block: UInt32, to value: UInt64, lsn: UInt64 = 0, _ backend: IOBackend) throws(StorageError) {
    let page = try read(block, backend)
    page.lock(.exclusive, backend: backend)
    page.mutableBytes.storeBytes(of: value, toByteOffset: Self.valueOffset, as: UInt64.self)
    page.setLSN(LogSequenceNumber(lsn))
    page.markDirty()
  }

  func change(_ blocks: some Sequence<UInt32>, lsn: UInt64 = 0, _ backend: IOBackend) throws(StorageError) {
    for block in blocks { try change(block, to: UInt64(block) + 1000, lsn: lsn, backend) }
  }

  /// The page as it is in the files.
  func onDisk(_ block: UInt32) throws -> [UInt8] {
    let number = Int(block) / blocksPerSegment
    let file = try FileHandle(
      forReadingFrom: directory.url(number == 0 ? Self.path : "\(Self.path).\(number)"))
    defer { try? file.close() }
    try file.seek(toOffset: UInt64(Int(block) % blocksPerSegment * PageLayout.blockSize))
    return [UInt8](try file.read(upToCount: PageLayout.blockSize) ?? Data())
  }

  /// The value of a page in the files; nil where its checksum is wrong.
  func valueOnDisk(_ block: UInt32) throws -> UInt64? {
    let page = try onDisk(block)
    guard page.verdict(block: block).isValid else { return nil }
    return page.withPage { $0.loadUnaligned(fromByteOffset: Self.valueOffset, as: UInt64.self) }
  }

  /// A page's state, if it is in the pool.
  func state(_ block: UInt32) -> BufferState? {
    pool.table.find(BufferTag(fork.id, block)).map { pool.state($0) }
  }

  func isDirty(_ block: UInt32) -> Bool { state(block)?.has(BufferState.dirty) == true }

  func writeStream(
    _ backend: IOBackend, _ change: (inout WriteStreamConfiguration) -> Void = { _ in }
  ) -> WriteStream {
    var configuration = WriteStreamConfiguration()
    configuration.combineLimit = setup.combineLimit
    change(&configuration)
    return WriteStream(pool, backend, configuration: configuration)
  }

  /// Gives a stream pages in this order.
  func add(_ blocks: some Sequence<UInt32>, to stream: WriteStream, _ backend: IOBackend) throws(StorageError) {
    for block in blocks { stream.add(try pool.read(fork, BlockNumber(block), backend)) }
  }

  /// Waits for writes that a backend has started and nobody has asked for.
  func settle(_ backend: IOBackend) { backend.reap(atLeast: backend.outstandingCount) }

  /// Checks that nobody has anything locked, and that no write is under way.
  func expectNothingLocked(_ location: SourceLocation = #_sourceLocation) {
    for buffer in 0..<UInt32(pool.count) {
      let seen = pool.state(buffer)
      if seen.rawValue >> 32 != 0 || seen.has(BufferState.ioInProgress) {
        Issue.record("buffer \(buffer) is left locked or in I/O", sourceLocation: location)
      }
    }
    #expect(pool.writeBudget.usedCount == 0, "budget is left", sourceLocation: location)
  }
}
