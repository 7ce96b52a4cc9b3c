import MillraceIO
import MillraceStorage

/// Pages behind the end of a log that a crash left there: written and not durable in order, so that some are there and
/// some before them are not.
///
/// A record on such a page could be taken for the next one of the log that goes on from the end, if that comes to end
/// just before it and the link to the record before fits, as it does where records are all of one length. After the
/// next crash it would be replayed. PostgreSQL trusts that the records which end a recovery shift everything behind
/// them; here the pages are cleared before the log goes on.
struct StalePages {
  let segments: WALSegmentDirectory
  let backend: IOBackend
  /// Segments to look through, the one that the log ends in included.
  let segmentsMax: UInt64

  /// Clears the pages behind the one that the log ends on, durably.
  /// - Returns: how many there were.
  @discardableResult
  func clear(behind end: UInt64, isDirect: Bool) throws(IOError) -> Int {
    let size = segments.geometry.segmentSize
    var count = 0
    var from = (end + WriteAheadLog.pageSize - 1) & ~(WriteAheadLog.pageSize - 1)
    for number in end / size..<end / size + segmentsMax {
      guard try segments.exists(number) else { break }
      let file = try segments.open(number, isDirect ? .direct : [], backend: backend)
      defer { backend.engine.close(file, by: backend) }
      let found = try clear(file, from: from, to: (number + 1) * size)
      if found > 0 { try backend.synchronize(file) }
      count += found
      from = (number + 1) * size
    }
    return count
  }

  private func clear(_ file: IOFile, from first: UInt64, to last: UInt64) throws(IOError) -> Int {
    let memory = try IOMemory(byteCount: 1 << 20, hugePages: .off)
    let zeros = try IOMemory(byteCount: WALLayout.pageSize, hugePages: .off)
    let mask = segments.geometry.segmentSize - 1
    var count = 0
    var position = first
    while position < last {
      let wanted = min(memory.byteCount, Int(last - position))
      let piece = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<wanted])
      let got = try backend.read(file, at: Int64(position & mask), piece)
      for offset in stride(from: 0, to: got / WALLayout.pageSize * WALLayout.pageSize, by: WALLayout.pageSize) {
        let header = WALPageHeader(memory.baseAddress + offset)
        let page = position + UInt64(offset)
        guard header.magic == WALPageHeader.magic, header.address.rawValue == page else { continue }
        try backend.write(file, at: Int64(page & mask), zeros.bytes)
        count += 1
      }
      guard got == wanted else { break }
      position += UInt64(wanted)
    }
    return count
  }
}
