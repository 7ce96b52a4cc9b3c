import MillraceStorage

@testable import MillraceWAL

/// What a log's segments hold, read in the simplest way: page by page, record by record, up to the first that is not
/// valid. Knows nothing of the code under test but the format.
struct LogImage {
  struct Record: Equatable {
    let start: UInt64
    /// Behind its padding.
    let end: UInt64
    let header: WALRecordHeader
    let bytes: [UInt8]

    /// The main data of a record without blocks.
    var data: [UInt8] {
      guard bytes.count > 24 else { return [] }
      return Array(bytes[24] == 255 ? bytes[26...] : bytes[29...])
    }
  }

  let geometry: WALGeometry
  private(set) var records: [Record] = []
  /// Where the next record would be: the end of the log, as recovery finds it.
  private(set) var end: UInt64
  /// Why there are no more.
  private(set) var reason = ""
  private let segment: (UInt64) -> [UInt8]?
  private var loaded: (number: UInt64, bytes: [UInt8])?

  /// - Parameters:
  ///   - start: where a record starts, or a page whose first record it is.
  ///   - previous: where the one before it starts; not checked where that is nil.
  ///   - segment: the contents of a segment; nil where there is none.
  init(
    _ geometry: WALGeometry, from start: UInt64, previous: UInt64? = nil, segment: @escaping (UInt64) -> [UInt8]?
  ) {
    (self.geometry, self.segment) = (geometry, segment)
    end = start
    var previous = previous
    while let record = next(at: end, previous: previous) {
      records.append(record)
      previous = record.start
      end = record.end
      if record.header.resourceManager == .xlog, record.header.info & 0xF0 == 0x40 {
        end = (record.start / geometry.segmentSize + 1) * geometry.segmentSize
      }
    }
  }

  /// Some bytes of one segment.
  private mutating func bytes(_ position: UInt64, _ count: Int) -> ArraySlice<UInt8>? {
    let number = position / geometry.segmentSize
    if loaded?.number != number { loaded = segment(number).map { (number, $0) } }
    let offset = Int(position % geometry.segmentSize)
    guard let loaded, loaded.number == number, offset + count <= loaded.bytes.count else { return nil }
    return loaded.bytes[offset..<offset + count]
  }

  static func pageHeader(of bytes: ArraySlice<UInt8>) -> WALPageHeader {
    bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, bytes.count >= 40 else { fatalError("a page has 40 bytes at least") }
      return WALPageHeader(base)
    }
  }

  private mutating func pageHeader(_ page: UInt64) -> WALPageHeader? {
    guard let bytes = bytes(page, 40) else { return nil }
    let header = Self.pageHeader(of: bytes)
    let isFirst = page % geometry.segmentSize == 0
    guard header.magic == WALPageHeader.magic, header.address.rawValue == page,
      header.flags.contains(.longHeader) == isFirst
    else { return nil }
    return header
  }

  private mutating func next(at end: UInt64, previous: UInt64?) -> Record? {
    var position = end
    if position % 8192 == 0 {
      guard let header = pageHeader(position) else { return stop("no valid page at \(position)") }
      guard !header.flags.contains(.firstIsContinuation) else { return stop("page \(position) continues a record") }
      position += UInt64(header.size)
    }
    guard let lengthBytes = bytes(position, 4) else { return stop("the segment ends at \(position)") }
    let length = Int(lengthBytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
    guard length >= 24, length <= WALLayout.recordSizeMax else { return stop("length \(length) at \(position)") }
    var record: [UInt8] = []
    var at = position
    while record.count < length {
      if at % 8192 == 0 {
        guard let header = pageHeader(at) else { return stop("no valid page at \(at), inside of a record") }
        guard header.flags.contains(.firstIsContinuation), Int(header.remainingLength) == length - record.count else {
          return stop("page \(at) does not continue the record: \(header)")
        }
        at += UInt64(header.size)
      }
      let piece = min(length - record.count, Int(8192 - at % 8192))
      guard let bytes = bytes(at, piece) else { return stop("the segment ends at \(at)") }
      record += bytes
      at += UInt64(piece)
    }
    guard let header = record.withUnsafeBytes({ $0.baseAddress.map { WALRecordHeader($0) } }) else { return nil }
    var crc = CRC32C()
    record.withUnsafeBytes { bytes in
      crc.update(UnsafeRawBufferPointer(rebasing: bytes[24...]))
      crc.update(UnsafeRawBufferPointer(rebasing: bytes[..<20]))
    }
    guard crc.value == header.crc else { return stop("wrong CRC at \(position)") }
    if let previous, header.previous.rawValue != previous {
      return stop("record at \(position) links to \(header.previous) instead of \(LogSequenceNumber(previous))")
    }
    return Record(start: position, end: (at + 7) / 8 * 8, header: header, bytes: record)
  }

  private mutating func stop(_ reason: String) -> Record? {
    self.reason = reason
    return nil
  }
}
