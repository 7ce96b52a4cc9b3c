import Glibc
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// After an error a stream stands behind what failed, and has lost nothing else.
@Suite struct StreamErrorTests {
  /// Calls `next` until the end: what came, and which blocks the errors named, in order.
  static func readAll(_ rig: StorageRig, _ stream: ReadStream) -> (pages: [UInt32], errors: [StorageError]) {
    var (pages, errors): ([UInt32], [StorageError]) = ([], [])
    while true {
      do throws(StorageError) {
        guard let page = try stream.next() else { return (pages, errors) }
        rig.expect(page, is: page.block.rawValue)
        pages.append(page.block.rawValue)
      } catch {
        errors.append(error)
        if errors.count > 100 { return (pages, errors) }
      }
    }
  }

  /// Every block is either given out or named by exactly one error.
  static func expectComplete(_ result: (pages: [UInt32], errors: [StorageError]), _ blocks: Range<UInt32>) {
    let named = result.errors.flatMap { Array($0.blocks) }
    #expect((result.pages + named).sorted() == Array(blocks), "errors: \(result.errors)")
  }

  @Test(arguments: ReadSetup.all)
  func aSegmentThatCannotBeOpenedTakesOnlyItsOwnBlocksAway(setup: ReadSetup) throws {
    let files = FaultyFileSystem()
    let rig = try StorageRig(setup, blocks: 24, fileSystem: files)
    let backend = try rig.backend()
    files.fail(EACCES, opening: ".1")
    let stream = rig.stream(backend, BlockRange(0..<24, isCertain: true))
    let result = Self.readAll(rig, stream)
    Self.expectComplete(result, 0..<24)
    #expect(result.pages == Array(0..<6) + Array(12..<24))
    rig.expectNothingHeldBut(stream)
  }

  @Test(arguments: ReadSetup.all)
  func aFailedReadTakesOnlyItsOwnBlocksAway(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 24)
    let backend = try rig.backend()
    rig.injection.fail(EIO, onReadsOf: 8)
    let stream = rig.stream(backend, BlockRange(0..<24, isCertain: true))
    let result = Self.readAll(rig, stream)
    Self.expectComplete(result, 0..<24)
    #expect(result.errors.count == 1)
    rig.expectNothingHeldBut(stream)
  }

  /// The first blocks of a read come, then the device stops: all that does not come is named.
  @Test(arguments: ReadSetup.paths)
  func whatAPartlyReadOperationDropsIsNamed(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 6)
    let backend = try rig.backend()
    // The end of the file after two blocks; then the second attempt, from block 2, fails.
    rig.injection.force([2 * 8192, 0, -Int64(EIO)], onReadsOf: 3)
    let result = Self.readAll(rig, rig.stream(backend, BlockRange(0..<6, isCertain: true)))
    Self.expectComplete(result, 0..<6)
    #expect(result.errors.count == 1)
    #expect(
      result.errors.first?.message
        == "could not read blocks 2..5 in file \"\(StorageRig.path)\": Input/output error")
    rig.expectNothingHeld([backend])
  }

  @Test(arguments: ReadSetup.paths)
  func blocksThatFoundNoBufferComeWhenOneIsFree(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 30, buffers: 16)
    let backend = try rig.backend()
    let other = rig.storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: 1))
    let pins = try (0..<16).map { try rig.pool.pinOrAllocate(BufferTag(other.id, UInt32($0)), strategy: nil) }
    let stream = rig.stream(backend, BlockRange(0..<30, isCertain: true))
    do throws(StorageError) {
      _ = try stream.next()
      Issue.record("a page came although all buffers were pinned")
    } catch {
      #expect(error.code == .noUnpinnedBuffers)
      #expect(error.message == "no unpinned buffers available")
      #expect(error.blocks.isEmpty)
    }
    for buffer in pins { rig.pool.unpin(buffer) }
    #expect(try rig.drain(stream) == Array(0..<30))
    rig.expectNothingHeldBut(stream)
  }

  /// What the source attached stays with its block when an error takes blocks before it away.
  @Test(arguments: ReadSetup.all)
  func perBufferDataStaysWithItsBlockAcrossErrors(setup: ReadSetup) throws {
    let files = FaultyFileSystem()
    let rig = try StorageRig(setup, blocks: 36, fileSystem: files)
    let backend = try rig.backend()
    files.fail(EACCES, opening: ".1")
    files.fail(EACCES, opening: ".3")
    let blocks: [UInt32] = [0, 1, 6, 7, 8, 2, 3, 7, 13, 14, 11, 18, 19, 30, 31, 18, 1, 32]
    let stream = rig.stream(backend, NumberedBlocks(blocks)) { $0.perBufferDataSize = 8 }
    var came: [UInt32] = []
    var errors = 0
    while true {
      do throws(StorageError) {
        guard let page = try stream.next() else { break }
        let number = stream.perBufferData?.load(as: Int.self) ?? -1
        #expect(blocks[number] == page.block.rawValue)
        came.append(page.block.rawValue)
      } catch { errors += 1 }
    }
    #expect(came == blocks.filter { $0 / 6 != 1 && $0 / 6 != 3 })
    #expect(errors > 0)
    rig.expectNothingHeldBut(stream)
  }
}

/// A list of blocks that attaches to each its place in the list.
final class NumberedBlocks: BlockSource {
  let blocks: [UInt32]
  let hint: Int?
  private(set) var position = 0

  init(_ blocks: [UInt32], hint: Int? = nil) { (self.blocks, self.hint) = (blocks, hint) }

  override var certainCount: Int? { hint }

  override func nextBlock(perBufferData: UnsafeMutableRawPointer?) -> BlockNumber? {
    guard position < blocks.count else { return nil }
    perBufferData?.storeBytes(of: position, as: Int.self)
    defer { position += 1 }
    return BlockNumber(blocks[position])
  }
}

extension StorageRig {
  /// Nothing but the open stream itself is held.
  func expectNothingHeldBut(_ stream: ReadStream, _ location: SourceLocation = #_sourceLocation) {
    #expect(pool.pinCount == 0, "pins are left", sourceLocation: location)
    #expect(pool.readAheadBudget.usedCount == 0, "budget is left", sourceLocation: location)
    #expect(pool.readAheadBudget.streamCount == 1, sourceLocation: location)
  }
}
