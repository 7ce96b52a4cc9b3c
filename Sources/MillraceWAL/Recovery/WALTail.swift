public import MillraceIO
public import MillraceStorage

/// What may lie in the log's files behind its end after a crash: writes that were in flight together reach the disk in
/// any order, so behind the first that did not there can be whole records of others that did.
///
/// Nobody was told of these, and recovery does not see them. But if the log went on in their place as it is, a new
/// record might end where one of them begins, and carry the position that it is linked to; after another crash it would
/// be taken for the next. PostgreSQL, which has one write in flight, relies on links and addresses alone.
///
/// Only so far as writes can have gone there is anything to clear: the log is never written further than
/// ``segmentsNotDurable`` from where it is durable (``WriteAheadLog/appendWrites(upTo:isSplit:)``). Segments behind
/// that, which were made or renamed ahead of need, have not been touched since, and stay as PostgreSQL lets them stay.
/// (It removes later segments, RemoveNonParentXlogFiles, where a new timeline begins; none does here.)
public enum WALTail {
  /// The log is written into so many segments at most that are not durable to their end, counted from the one in which
  /// the durable log ends.
  static let segmentsNotDurable: UInt64 = 4
  /// Bytes that are looked at together.
  private static let pieceSize = 1 << 20

  /// Makes the log's files hold nothing behind its end that could be taken for log, durably: fills the end's segment
  /// with zeros behind the page in which the log ends, where there is anything else, and removes those of the segments
  /// behind it that can have been written to and hold anything but zeros. That page itself is the inserter's, who
  /// writes it anew from where the log ends.
  ///
  /// A segment that was renamed for reuse is removed although what it holds is old and can do no harm: of a page of it
  /// of which a write in flight has left the first sector as it was, and others not, the header does not tell.
  ///
  /// Before anything is inserted, after a recovery that was needed. Doing it again changes nothing.
  /// - Parameters:
  ///   - end: where the log goes on: the end of its last record; or a page's start, from where the log is overwritten.
  ///   - directory: of the segments (`pg_wal`), as the file system resolves it.
  ///   - backend: the calling thread's.
  /// - Throws: ``IOError``. Then nothing must be inserted.
  public static func clear(
    after end: LogSequenceNumber, timeline: UInt32, segmentSize: UInt64, fileSystem: IOFileSystem, directory: String,
    backend: IOBackend
  ) throws(IOError) {
    let memory = try IOMemory(byteCount: pieceSize, hugePages: .off)
    let first = end.rawValue / segmentSize
    var hasRemoved = false
    for number in first..<first + segmentsNotDurable {
      let name = WALSegmentName(timeline: timeline, number: number, segmentSize: segmentSize).description
      let path = "\(directory)/\(name)"
      guard try fileSystem.exists(path) else { continue }
      let file = try fileSystem.open(
        path, name: "pg_wal/\(name)", .write, blockSize: WALLayout.pageSize, firstBlock: 0)
      defer { backend.engine.close(file, by: backend) }
      let page = UInt64(WALLayout.pageSize)
      let inside = number == first ? (end.rawValue % segmentSize + page - 1) / page * page : 0
      // Nothing of it is log: it can go as a whole, and be made anew when it is needed.
      let isBehind = number > first || end.rawValue % segmentSize == 0
      guard try holdsAnything(file, from: inside, memory, backend, clearing: !isBehind) else { continue }
      if isBehind {
        try fileSystem.remove(path)
        hasRemoved = true
      } else {
        try backend.synchronize(file, dataOnly: true)
      }
    }
    if hasRemoved { try fileSystem.syncDirectory(directory) }
  }

  /// Whether a file holds anything but zeros from an offset on.
  /// - Parameter clearing: writes zeros in the place of what there is; otherwise looks only for the first of it.
  private static func holdsAnything(
    _ file: IOFile, from first: UInt64, _ memory: IOMemory, _ backend: IOBackend, clearing: Bool
  ) throws(IOError) -> Bool {
    let length = UInt64(try file.size())
    var offset = first
    var found = false
    while offset < length {
      let wanted = Int(min(UInt64(pieceSize), length - offset))
      let piece = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<wanted])
      let got = try backend.read(file, at: Int64(offset), piece)
      let hasContents = !isZero(UnsafeRawBufferPointer(rebasing: piece[..<got]))
      if hasContents {
        found = true
        guard clearing else { return true }
        piece.initializeMemory(as: UInt8.self, repeating: 0)
        try backend.write(file, at: Int64(offset), piece)
      }
      offset += UInt64(wanted)
    }
    return found
  }

  /// - Parameter bytes: aligned to words.
  private static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let words = bytes.count / MemoryLayout<UInt64>.size
    var all: UInt64 = 0
    for index in 0..<words { all |= bytes.load(fromByteOffset: index * MemoryLayout<UInt64>.size, as: UInt64.self) }
    return all == 0 && bytes[(words * MemoryLayout<UInt64>.size)...].allSatisfy { $0 == 0 }
  }
}
