import MillraceStorage

/// Which leaf a scan has read last, and whether it pays to look there first for its next key.
struct LeafHint {
  var block = BlockNumber.invalid
  /// After a miss the next few keys take the way from the root at once, after each further one twice as many.
  private var pause: UInt32 = 0
  private var waiting: UInt32 = 0

  private static let pauseMax: UInt32 = 64

  /// Whether to look there for the key that comes now.
  var isWorthTrying: Bool {
    mutating get {
      guard block.isValid else { return false }
      if waiting == 0 { return true }
      waiting -= 1
      return false
    }
  }

  mutating func noteHit() { pause = 0 }

  mutating func noteMiss() {
    pause = min(max(pause * 2, 1), Self.pauseMax)
    waiting = pause
  }
}
