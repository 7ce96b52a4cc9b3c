public import MillraceIO
public import MillraceStorage

/// What may lie in the log's files behind its end after a crash: writes that were in flight together reach the disk in
/// any order, so behind the first that did not there can be whole records of others that did.
///
/// Nobody was told of these, and recovery does not see them. But if the log went on in their place as it is, a new
/// record might end where one of them begins, and carry the position that it is linked to; after another crash it would
/// be taken for the next. PostgreSQL, which has one write in flight, can rely on links and addresses alone.
public enum WALTail {
  /// Bytes that are written at a time.
  private static let pieceSize = 1 << 20

  /// Makes the log's files hold nothing behind its end, durably: clears the end's segment behind the page in which the
  /// log ends, and removes the segments behind it. That page itself is the inserter's, who writes it anew from where
  /// the log ends.
  ///
  /// Before anything is inserted, after a recovery that was needed. Doing it again changes nothing.
  /// - Parameters:
  ///   - directory: of the segments (`pg_wal`), as the file system resolves it.
  ///   - backend: the calling thread's.
  /// - Throws: ``IOError``. Then nothing must be inserted.
  public static func clear(
    after end: LogSequenceNumber, timeline: UInt32, segmentSize: UInt64, fileSystem: IOFileSystem, directory: String,
    backend: IOBackend
  ) throws(IOError) {
    let last = WALSegmentName(timeline: timeline, holding: end, segmentSize: segmentSize)
    var hasRemoved = false
    for name in try fileSystem.list(directory) {
      guard let segment = WALSegmentName(name, segmentSize: segmentSize), segment.timeline == timeline,
        segment.number > last.number || segment.number == last.number && end == last.start
      else { continue }
      try fileSystem.remove("\(directory)/\(name)")
      hasRemoved = true
    }
    if hasRemoved { try fileSystem.syncDirectory(directory) }
    let page = UInt64(WALLayout.pageSize)
    let first = (end.rawValue % segmentSize + page - 1) / page * page
    guard end > last.start, first < segmentSize else { return }

    let file = try fileSystem.open(
      "\(directory)/\(last)", name: "pg_wal/\(last)", .write, blockSize: WALLayout.pageSize, firstBlock: 0)
    defer { backend.engine.close(file, by: backend) }
    let zeros = try IOMemory(byteCount: pieceSize, hugePages: .off)
    var offset = first
    let length = min(segmentSize, UInt64(try file.size()))
    while offset < length {
      let count = Int(min(UInt64(pieceSize), length - offset))
      try backend.write(file, at: Int64(offset), UnsafeMutableRawBufferPointer(rebasing: zeros.bytes[..<count]))
      offset += UInt64(count)
    }
    try backend.synchronize(file, dataOnly: true)
  }
}
