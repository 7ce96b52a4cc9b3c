import MillraceStorage
import MillraceWAL

/// How a cluster's log begins: the header of its first segment, and the record of a checkpoint at shutdown behind it.
struct FirstSegment {
  /// From the start of the segment; zeros follow.
  let bytes: [UInt8]

  init(_ name: WALSegmentName, _ controlFile: ControlFile) {
    let header = WALPageHeader(
      timeline: name.timeline, address: name.start,
      segment: WALPageHeader.Segment(
        systemIdentifier: controlFile.systemIdentifier, segmentSize: controlFile.walSegmentSize))
    var bytes = [UInt8](repeating: 0, count: header.size)
    bytes.withUnsafeMutableBytes { memory in
      if let base = memory.baseAddress { header.store(to: base) }
    }
    let builder = WALRecordBuilder()
    builder.begin(.xlog, info: XLOGRecordKind.checkpointShutdown.rawValue)
    controlFile.checkpoint.recordData(walLevel: controlFile.settings.walLevel).withUnsafeBytes {
      builder.appendData(copying: $0)
    }
    builder.assemble(redoPosition: .invalid, fullPageWrites: false)
    builder.finish(previous: .invalid)
    for range in builder.ranges { bytes += range }
    self.bytes = bytes
  }
}
