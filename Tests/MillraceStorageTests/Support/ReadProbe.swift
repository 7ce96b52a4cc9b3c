import MillraceStorage
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Calls `startReadBuffers` until a range is covered and shows how it was cut: the low-level view of facts §11.
final class ReadProbe {
  /// One operation: from where, how many blocks, whether it must be waited for, whether the I/O is another's.
  struct Operation: Equatable, CustomStringConvertible {
    let block: UInt32
    let count: Int
    let kind: Kind

    enum Kind: Equatable { case hit, read, foreign }

    var description: String { "\(kind)(\(block)\(count > 1 ? "..\(block + UInt32(count) - 1)" : ""))" }

    static func hit(_ block: UInt32) -> Operation { Operation(block: block, count: 1, kind: .hit) }
    static func foreign(_ block: UInt32) -> Operation { Operation(block: block, count: 1, kind: .foreign) }
    static func read(_ blocks: ClosedRange<UInt32>) -> Operation {
      Operation(block: blocks.lowerBound, count: blocks.count, kind: .read)
    }
    static func read(_ block: UInt32) -> Operation { read(block...block) }
  }

  let rig: StorageRig
  let reader: BufferReader
  private let first: UInt32
  private let count: Int
  private let buffers: UnsafeMutablePointer<BufferID>
  private let operations: UnsafeMutablePointer<ReadBuffersOperation>
  private(set) var started: [Operation] = []
  private var pinned = 0

  init(_ rig: StorageRig, _ reader: BufferReader, _ blocks: ClosedRange<UInt32>) {
    (self.rig, self.reader, first, count) = (rig, reader, blocks.lowerBound, blocks.count)
    buffers = .allocate(capacity: count)
    buffers.initialize(repeating: .noBuffer, count: count)
    operations = .allocate(capacity: count)
    operations.initialize(repeating: ReadBuffersOperation(), count: count)
  }

  deinit {
    for index in 0..<started.count where started[index].kind != .hit { reader.settle(operations + index) }
    release()
    buffers.deallocate()
    operations.deallocate()
  }

  /// Starts everything.
  func start() throws(StorageError) -> [Operation] {
    while pinned < count {
      var wanted = count - pinned
      let operation = operations + started.count
      let block = first + UInt32(pinned)
      let needsWait = try reader.start(operation, block: block, buffers: buffers + pinned, count: &wanted)
      let kind: Operation.Kind = !needsWait ? .hit : operation.pointee.isForeign ? .foreign : .read
      started.append(Operation(block: block, count: wanted, kind: kind))
      pinned += wanted
    }
    return started
  }

  /// Waits for everything that has to be waited for, checks the pages, and lets go of them.
  /// - Returns: how many operations had to wait.
  @discardableResult
  func finish(_ location: SourceLocation = #_sourceLocation) throws(StorageError) -> Int {
    var waits = 0
    for index in 0..<started.count where started[index].kind != .hit {
      if try reader.wait(operations + index) { waits += 1 }
    }
    for index in 0..<count {
      let block = first + UInt32(index)
      let holds = rig.image.holds(rig.pool.page(buffers[index]), block)
      #expect(holds, "block \(block) has other bytes than it should", sourceLocation: location)
      #expect(rig.pool.tag(buffers[index]).block == block, sourceLocation: location)
    }
    release()
    return waits
  }

  /// Waits for one operation. - Throws: its error.
  func wait(_ index: Int) throws(StorageError) -> Bool { try reader.wait(operations + index) }

  /// What an operation has come to.
  func operation(_ index: Int) -> ReadBuffersOperation { operations[index] }

  /// Lets go of all pins, forwarded ones included.
  func release() {
    for index in 0..<count where buffers[index] != .noBuffer {
      rig.pool.unpin(buffers[index])
      buffers[index] = .noBuffer
    }
  }
}

extension StorageRig {
  /// Starts reads of a range, waits, and returns how it was cut.
  func read(
    _ reader: BufferReader, _ blocks: ClosedRange<UInt32>, _ location: SourceLocation = #_sourceLocation
  ) throws -> [ReadProbe.Operation] {
    let probe = ReadProbe(self, reader, blocks)
    let started = try probe.start()
    try probe.finish(location)
    return started
  }

  /// Makes a block uncached.
  func evict(_ blocks: UInt32...) {
    for block in blocks { pool.evict(fork, block) }
  }
}
