/// How many segments the next checkpoints will need, from what the last ones did (PostgreSQL's
/// CheckPointDistanceEstimate and XLOGfileslop).
struct SegmentForecast: Sendable, Equatable {
  let segmentSize: UInt64
  var sizeMin: UInt64
  var sizeMax: UInt64
  var completionTarget: Double

  /// Bytes of WAL from one checkpoint to the next.
  private(set) var distance: Double = 0

  init(segmentSize: UInt64, sizeMin: UInt64, sizeMax: UInt64, completionTarget: Double) {
    (self.segmentSize, self.sizeMin, self.sizeMax) = (segmentSize, sizeMin, sizeMax)
    self.completionTarget = completionTarget
  }

  /// Learns from a checkpoint. A rise counts at once, since too few segments cost more than too many; a fall slowly.
  /// - Parameter bytes: of WAL since the redo position of the checkpoint before.
  mutating func note(checkpointDistance bytes: UInt64) {
    distance = distance < Double(bytes) ? Double(bytes) : 0.90 * distance + 0.10 * Double(bytes)
  }

  /// The highest segment that a removed one should be kept for.
  /// - Parameter redoPosition: of the last checkpoint.
  func lastToRecycle(redoPosition: UInt64) -> UInt64 {
    let first = redoPosition / segmentSize
    let lowest = first + max(sizeMin / segmentSize, 1) - 1
    let highest = first + max(sizeMax / segmentSize, 1) - 1
    // Until the end of the next checkpoint, and ten per cent for luck.
    let expected = (1.0 + completionTarget) * distance * 1.10
    let wanted = UInt64(((Double(redoPosition) + expected) / Double(segmentSize)).rounded(.up))
    return min(max(wanted, lowest), max(highest, lowest))
  }
}
