import MillraceStorage

/// Decides whether bytes are the page of the log that they should be (PostgreSQL's XLogReaderValidatePageHeader).
struct WALPageValidator {
  let timeline: UInt32
  let geometry: WALGeometry
  /// The cluster's; nil where any will do.
  let systemIdentifier: UInt64?
  /// Of the page before; timelines only rise.
  private var latest: (page: LogSequenceNumber, timeline: UInt32)?

  init(timeline: UInt32, geometry: WALGeometry, systemIdentifier: UInt64?) {
    (self.timeline, self.geometry, self.systemIdentifier) = (timeline, geometry, systemIdentifier)
  }

  /// - Parameter address: where the page should be from.
  mutating func validate(_ header: WALPageHeader, at address: LogSequenceNumber) throws(WALProblem) {
    let offset = geometry.offsetInSegment(address)
    func place() -> String {
      let name = WALSegmentName(timeline: timeline, holding: address, segmentSize: geometry.segmentSize)
      return "in WAL segment \(name), LSN \(address), offset \(offset)"
    }
    guard header.magic == WALPageHeader.magic else {
      throw WALProblem(.pageHeader, "invalid magic number \(Self.hexadecimal(header.magic)) \(place())")
    }
    // The first page of a segment has the long header, no other.
    guard header.flags.isSubset(of: .all), header.flags.contains(.longHeader) == (offset == 0) else {
      throw WALProblem(.pageHeader, "invalid info bits \(Self.hexadecimal(header.flags.rawValue)) \(place())")
    }
    if let segment = header.segment { try validate(segment) }
    guard header.address == address else {
      throw WALProblem(.pageHeader, "unexpected pageaddr \(header.address) \(place())")
    }
    if let latest, address > latest.page, header.timeline < latest.timeline {
      throw WALProblem(
        .pageHeader, "out-of-sequence timeline ID \(header.timeline) (after \(latest.timeline)) \(place())")
    }
    latest = (address, header.timeline)
  }

  private func validate(_ segment: WALPageHeader.Segment) throws(WALProblem) {
    let other = "WAL file is from different database system: "
    if let systemIdentifier, segment.systemIdentifier != systemIdentifier {
      throw WALProblem(
        .otherSystem,
        other + "WAL file database system identifier is \(segment.systemIdentifier), "
          + "pg_control database system identifier is \(systemIdentifier)")
    }
    guard UInt64(segment.segmentSize) == geometry.segmentSize else {
      throw WALProblem(.otherSystem, other + "incorrect segment size in page header")
    }
    guard segment.pageSize == UInt32(WALLayout.pageSize) else {
      throw WALProblem(.otherSystem, other + "incorrect XLOG_BLCKSZ in page header")
    }
  }

  private static func hexadecimal(_ value: UInt16) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }
}
