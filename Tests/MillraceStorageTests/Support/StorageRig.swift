import Foundation
import Logging
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// A relation on disk and everything that is needed to read it.
final class StorageRig: @unchecked Sendable {
  // Safe because all of it is immutable; what it refers to guards itself.

  static let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: 16384)
  static let path = "base/5/16384"

  let setup: ReadSetup
  let directory: TemporaryDirectory
  let image: RelationImage
  let blocksPerSegment: Int
  let injection = TestInjection()
  let log = LogRecorder()
  let engine: IOEngine
  let pool: BufferPool
  let storage: StorageManager
  let fork: StoredFork

  /// - Parameters:
  ///   - blocks: of the relation.
  ///   - buffers: of the pool.
  ///   - merges: whether the engine may merge neighbouring I/Os; off where a test counts attempts.
  init(
    _ setup: ReadSetup, blocks: Int = 40, buffers: Int = 128, blocksPerSegment: Int = 6,
    scope: BufferPool.Scope = .shared,
    filesMax: Int = 1000, merges: Bool = false, checksums: Bool = true, fileSystem: IOFileSystem = LocalFileSystem()
  ) throws {
    (self.setup, self.blocksPerSegment) = (setup, blocksPerSegment)
    directory = try TemporaryDirectory()
    image = .shared(blocks: blocks)
    try image.write(to: directory, Self.path, blocksPerSegment: blocksPerSegment)
    var configuration = setup.configuration
    if !merges { configuration.mergedBytesMax = 0 }
    let log = log
    configuration.logger = Logger(label: "test") { _ in log.handler }
    engine = try IOEngine(
      configuration, method: MethodSelection.make(configuration), injection: injection)
    pool = try BufferPool(engine: engine, count: buffers, scope: scope, checksums: checksums)
    injection.watch(pool)
    storage = StorageManager(
      engine: engine, directory: directory.path, blocksPerSegment: UInt32(blocksPerSegment), isDirect: setup.direct,
      filesMax: filesMax, fileSystem: fileSystem, isWritable: true)
    fork = storage.open(Self.locator)
  }

  /// What a thread reads with. To be made and used on one thread.
  func backend(_ name: String = "test") throws -> IOBackend {
    try engine.makeBackend(name, exclusive: setup.exclusive)
  }

  var streamConfiguration: ReadStreamConfiguration {
    var configuration = ReadStreamConfiguration()
    configuration.combineLimit = setup.combineLimit
    return configuration
  }

  func reader(
    _ backend: IOBackend, flags: ReadBuffersFlags = [], onWarning: @escaping (String) -> Void = { _ in }
  ) -> BufferReader {
    BufferReader(
      pool: pool, backend: backend, fork: fork, strategy: nil, flags: flags, combineLimit: setup.combineLimit,
      onWarning: onWarning)
  }

  func stream(
    _ backend: IOBackend, _ source: BlockSource, strategy: BufferStrategy? = nil,
    _ change: (inout ReadStreamConfiguration) -> Void = { _ in }
  ) -> ReadStream {
    var configuration = streamConfiguration
    change(&configuration)
    return ReadStream(pool, backend, fork, source, strategy: strategy, configuration: configuration)
  }

  /// Checks that a page holds what its block shall hold.
  func expect(_ page: borrowing PinnedBuffer, is block: UInt32, _ location: SourceLocation = #_sourceLocation) {
    let found = page.block.rawValue
    let holds = image.holds(page.bytes, block)
    #expect(found == block, sourceLocation: location)
    #expect(holds, "block \(block) has other bytes than it should", sourceLocation: location)
  }

  /// Takes the next page of a stream and checks that it is the one.
  func expectNext(of stream: ReadStream, is block: UInt32, _ location: SourceLocation = #_sourceLocation) throws {
    guard let page = try stream.next() else {
      Issue.record("the stream ended before block \(block)", sourceLocation: location)
      return
    }
    expect(page, is: block, location)
  }

  /// Reads the rest of a stream and checks every page. - Returns: the blocks, in order.
  @discardableResult
  func drain(_ stream: ReadStream, _ location: SourceLocation = #_sourceLocation) throws -> [UInt32] {
    var blocks: [UInt32] = []
    while let page = try stream.next() {
      let block = page.block.rawValue
      blocks.append(block)
      if !image.holds(page.bytes, block) {
        Issue.record("block \(block) has other bytes than it should", sourceLocation: location)
      }
    }
    return blocks
  }

  /// Checks that nothing is held any more: no pin, no handle, no place in the budget.
  func expectNothingHeld(_ backends: [IOBackend] = [], _ location: SourceLocation = #_sourceLocation) {
    #expect(pool.pinCount == 0, "pins are left", sourceLocation: location)
    #expect(pool.readAheadBudget.usedCount == 0, "budget is left", sourceLocation: location)
    #expect(pool.readAheadBudget.streamCount == 0, "streams are left", sourceLocation: location)
    for backend in backends {
      #expect(backend.outstandingCount == 0, "I/O is left", sourceLocation: location)
    }
  }

  // MARK: Damage

  private func segment(of block: UInt32) -> (name: String, offset: UInt64) {
    let number = Int(block) / blocksPerSegment
    return (
      number == 0 ? Self.path : "\(Self.path).\(number)", UInt64(Int(block) % blocksPerSegment * PageLayout.blockSize)
    )
  }

  /// Replaces bytes of a block on disk.
  func overwrite(_ block: UInt32, at offset: Int, _ bytes: [UInt8]) throws {
    let place = segment(of: block)
    let file = try FileHandle(forWritingTo: directory.url(place.name))
    defer { try? file.close() }
    try file.seek(toOffset: place.offset + UInt64(offset))
    try file.write(contentsOf: bytes)
  }

  /// Changes a byte that only the checksum covers.
  func corruptChecksum(_ block: UInt32) throws {
    let byte = image.page(block).load(fromByteOffset: 4000, as: UInt8.self)
    try overwrite(block, at: 4000, [byte ^ 0xFF])
  }

  /// Makes the header senseless: the free space ends before it begins. The checksum is wrong, too.
  func corruptHeader(_ block: UInt32) throws {
    try overwrite(block, at: PageLayout.Offset.lower, [0xFF, 0x1F, 0x10, 0])
  }

  /// Makes the header senseless and the checksum right.
  func corruptHeaderOnly(_ block: UInt32) throws {
    var page = [UInt8](UnsafeRawBufferPointer(start: image.page(block), count: PageLayout.blockSize))
    page.replaceSubrange(PageLayout.Offset.lower..<PageLayout.Offset.lower + 4, with: [0xFF, 0x1F, 0x10, 0])
    page.setChecksum(block: block)
    try overwrite(block, at: 0, page)
  }

  func repair(_ block: UInt32) throws {
    try overwrite(
      block, at: 0, [UInt8](UnsafeRawBufferPointer(start: image.page(block), count: PageLayout.blockSize)))
  }

  /// Cuts a segment off.
  func truncate(segment number: Int, toBytes length: Int) throws {
    let name = number == 0 ? Self.path : "\(Self.path).\(number)"
    let file = try FileHandle(forWritingTo: directory.url(name))
    defer { try? file.close() }
    try file.truncate(atOffset: UInt64(length))
    // Nobody else changes files behind a storage manager that writes.
    fork.size.forget()
  }
}
