import Foundation
import MillraceIO
import MillraceSimulation
import MillraceStorage
import MillraceTestSupport

@testable import MillraceWAL

/// A log that is written record by record, in memory, by one thread: what an inserter does, in the simplest way.
final class SampleLog {
  static let systemIdentifier: UInt64 = 0x6A5B_4C3D_2E1F_0789

  let geometry: WALGeometry
  let timeline: UInt32
  /// Segments by number, zero where nothing was written.
  private(set) var segments: [UInt64: [UInt8]] = [:]
  /// Usable bytes before the next record.
  private var nextByte: UInt64
  private(set) var previous: LogSequenceNumber
  /// What full-page decisions are made by.
  var redoPosition = LogSequenceNumber.invalid
  var fullPageWrites = true
  let builder = WALRecordBuilder()

  struct Entry {
    let start: LogSequenceNumber
    /// Behind its last byte.
    let lastByteEnd: LogSequenceNumber
    /// Behind its padding: the LSN of the pages that it changes.
    let end: LogSequenceNumber
  }
  private(set) var entries: [Entry] = []

  /// - Parameter firstSegment: where the log begins.
  init(segmentSize: UInt64 = 1 << 20, timeline: UInt32 = 1, firstSegment: UInt64 = 1) {
    geometry = WALGeometry(segmentSize: segmentSize)
    self.timeline = timeline
    nextByte = firstSegment * geometry.usableBytesInSegment
    previous = .invalid
  }

  /// Where the next record starts.
  var position: LogSequenceNumber { geometry.position(ofUsableByte: nextByte) }

  /// Appends the record that `build` registers.
  @discardableResult
  func append(
    _ resourceManager: ResourceManagerID, info: UInt8 = 0, xid: UInt32 = 0,
    _ build: (WALRecordBuilder) -> Void = { _ in }
  ) -> Entry {
    builder.begin(resourceManager, info: info, xid: xid)
    build(builder)
    builder.assemble(redoPosition: redoPosition, fullPageWrites: fullPageWrites)
    builder.finish(previous: previous)
    var bytes: [UInt8] = []
    for range in builder.ranges { bytes += range }
    return append(bytes)
  }

  /// Appends the bytes of a record as they are.
  @discardableResult
  func append(_ bytes: [UInt8]) -> Entry {
    let start = position
    var rest = bytes[...]
    var at = start.rawValue
    while !rest.isEmpty {
      let header = UInt64(geometry.pageHeaderSize(at: LogSequenceNumber(at)))
      if at % 8192 == 0 || at % 8192 == header {
        // The first bytes of a page: its header, and what is left of a record that began before.
        writeHeader(page: at / 8192 * 8192, remaining: rest.count < bytes.count ? rest.count : 0)
        at = at / 8192 * 8192 + header
      }
      let piece = rest.prefix(Int(8192 - at % 8192))
      write(piece, at: at)
      at += UInt64(piece.count)
      rest = rest.dropFirst(piece.count)
    }
    previous = start
    nextByte += UInt64(WALLayout.aligned(bytes.count))
    let entry = Entry(
      start: start, lastByteEnd: LogSequenceNumber(at), end: geometry.endPosition(ofUsableByte: nextByte))
    entries.append(entry)
    return entry
  }

  /// Fills the current segment up as the record SWITCH does: the next record starts the next segment.
  func skipToNextSegment() {
    let segment = geometry.segment(of: LogSequenceNumber(position.rawValue - 1))
    for page in stride(from: segment * geometry.segmentSize, to: (segment + 1) * geometry.segmentSize, by: 8192)
    where page > position.rawValue { writeHeader(page: page, remaining: 0) }
    nextByte = (segment + 1) * geometry.usableBytesInSegment
  }

  private func writeHeader(page: UInt64, remaining: Int) {
    let isFirst = page % geometry.segmentSize == 0
    let header = WALPageHeader(
      timeline: timeline, address: LogSequenceNumber(page), flags: remaining > 0 ? .firstIsContinuation : [],
      remainingLength: UInt32(remaining),
      segment: isFirst ? .init(systemIdentifier: Self.systemIdentifier, segmentSize: UInt32(geometry.segmentSize)) : nil
    )
    var bytes = [UInt8](repeating: 0, count: header.size)
    bytes.withUnsafeMutableBytes { memory in memory.baseAddress.map { header.store(to: $0) } }
    write(bytes[...], at: page)
  }

  private func write(_ bytes: ArraySlice<UInt8>, at position: UInt64) {
    let offset = Int(position % geometry.segmentSize)
    segments[position / geometry.segmentSize, default: [UInt8](repeating: 0, count: Int(geometry.segmentSize))]
      .replaceSubrange(offset..<offset + bytes.count, with: bytes)
  }

  // MARK: Files

  func fileName(_ segment: UInt64) -> String {
    WALSegmentName(timeline: timeline, number: segment, segmentSize: geometry.segmentSize).description
  }

  /// Changes a byte of the log.
  func damage(at position: UInt64, _ change: (inout UInt8) -> Void) {
    change(&segments[position / geometry.segmentSize, default: []][Int(position % geometry.segmentSize)])
  }

  /// Replaces everything from a position on.
  func loseTail(from position: LogSequenceNumber, isRecycled: Bool) {
    for number in segments.keys {
      guard var bytes = segments.removeValue(forKey: number) else { continue }
      let start = number * geometry.segmentSize
      let first = Int(max(position.rawValue, start) - start)
      bytes.withUnsafeMutableBytes { bytes in
        for offset in min(first, bytes.count)..<bytes.count { bytes[offset] = isRecycled ? bytes[offset] &+ 91 : 0 }
      }
      segments[number] = bytes
    }
  }

  /// Writes the segments as files of a directory.
  func write(to directory: TemporaryDirectory, under place: String = "pg_wal") throws {
    for (number, bytes) in segments { try directory.write(bytes, to: "\(place)/\(fileName(number))") }
  }

  /// Writes the segments as files of a simulated disk, durably.
  func write(to disk: SimulatedDisk, under place: String = "pg_wal") throws {
    for (number, bytes) in segments {
      let file = try disk.openFile("\(place)/\(fileName(number))", [.create, .write, .truncate])
      bytes.withUnsafeBytes { memory in
        var vector = IOVector(base: UnsafeMutableRawPointer(mutating: memory.baseAddress), byteCount: memory.count)
        _ = file.write(&vector, count: 1, at: 0)
      }
      _ = file.sync(dataOnly: false)
      file.close()
    }
    try disk.syncDirectory(place)
  }
}
