/// What a submitted I/O is about to touch.
package struct IOTransfer: Sendable, Equatable {
  package let operation: IOOperation
  /// ``IOFile/identity``.
  package let file: UInt64
  package let range: Range<Int64>

  package var isWrite: Bool { operation == .writev }

  /// Whether both write a byte that the other writes too.
  package func isOverlappedWrite(_ other: IOTransfer) -> Bool {
    isWrite && other.isWrite && file == other.file && range.overlaps(other.range)
  }
}

extension EngineReference {
  /// What is left to do of an I/O or a merge.
  package func transfer(_ index: UInt32) -> IOTransfer {
    let slot = table[index]
    guard let operation = slot.pointee.operation else { invariantFailure("an undefined I/O was submitted") }
    let io = submission(index)
    let end = max(io.offset, io.offset &+ Int64(io.length))
    return IOTransfer(operation: operation, file: slot.pointee.fileIdentity.relaxed, range: io.offset..<end)
  }
}
