import MillraceIO
import MillraceStorage
import MillraceTestSupport
import Synchronization
import Testing

@testable import MillraceWAL

/// Threads change pages and log it, each its own pages, while checkpoints begin: whoever changes a page first after a
/// redo position logs it as a whole.
@Suite("full-page images and checkpoints, by many threads")
struct CheckpointStressTests {
  private static let threads = 4
  private static let pages = 3
  private static let changes = 250

  @Test("no change escapes a checkpoint", arguments: WALSetup.threaded)
  func stress(setup: WALSetup) throws {
    let rig = try WALRig(setup) { $0.bufferPages = 32 }
    let log = rig.log
    let isDone = SharedFlag()
    let threads = try (0..<Self.threads).map { number in
      let backend = Handed(try rig.engine.makeBackend("writer"))
      return try TestThread("writer") {
        try change(number, log, backend.value)
        backend.value.close()
      }
    }
    let checkpointBackend = Handed(try rig.engine.makeBackend("checkpointer"))
    let checkpointer = try TestThread("checkpointer") {
      let builder = WALRecordBuilder()
      repeat {
        let (redo, end) = try log.beginCheckpoint(builder, backend: checkpointBackend.value)
        #expect(redo < end)
        try log.flush(upTo: end, backend: checkpointBackend.value)
      } while !isDone.value
      checkpointBackend.value.close()
    }
    for thread in threads { try thread.join() }
    isDone.set()
    try checkpointer.join()
    try log.flush(upTo: log.reservedPosition, backend: rig.backend)
    check(rig.image())
  }

  /// Changes pages of its own in a random order.
  private func change(_ number: Int, _ log: WriteAheadLog, _ backend: IOBackend) throws {
    var random = SeededGenerator(seed: UInt64(number + 1))
    let builder = WALRecordBuilder()
    let pages = (0..<Self.pages).map { SamplePage(used: 64, seed: UInt64($0 + 1)) }
    for _ in 0..<Self.changes {
      let index = random.below(Self.pages)
      builder.begin(.heap, info: 0)
      builder.registerBlock(
        0, RelationLocator(tablespace: 1663, database: 5, relNumber: UInt32(number + 1)), .main,
        BlockNumber(UInt32(index)), page: pages[index].base, flags: .standard)
      let (_, end) = try log.insert(builder, backend: backend)
      var header = PageHeader(UnsafeRawPointer(pages[index].base))
      header.lsn = end
      header.store(to: pages[index].base)
      if random.below(10) == 0 { try log.flush(upTo: end, backend: backend) }
    }
  }

  /// Goes through the log as recovery does, and knows for each page where its last change ended.
  private func check(_ image: LogImage) {
    var redo = WALRig.segmentSize
    var changed: [[UInt32]: UInt64] = [:]
    var checkpoints = 0
    var images = 0
    for record in image.records {
      if record.header.resourceManager == .xlog {
        redo = record.start
        checkpoints += 1
        continue
      }
      // One block: number and flags, then what the image is, then the locator and the block.
      let flags = BlockHeaderFlags(rawValue: record.bytes[25] & 0xF0)
      let hasImage = flags.contains(.hasImage)
      let at = 28 + (hasImage ? 5 : 0)
      let page = [8, 12].map { offset in
        record.bytes[(at + offset)...].withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
      }
      let needsImage = (changed[page] ?? 0) <= redo
      #expect(hasImage == needsImage, "at \(LogSequenceNumber(record.start))")
      images += hasImage ? 1 : 0
      changed[page] = record.end
    }
    #expect(image.records.count == Self.threads * Self.changes + checkpoints, "\(image.reason)")
    #expect(checkpoints > 0 && images >= Self.threads * Self.pages)
  }
}

/// Set once, looked at by many.
final class SharedFlag: Sendable {
  private let flag = Atomic<Bool>(false)
  func set() { flag.store(true, ordering: .releasing) }
  var value: Bool { flag.load(ordering: .acquiring) }
}
