/// How a page's content is locked.
///
///                       share   share-exclusive   exclusive
///     share               ✓            ✓
///     share-exclusive     ✓
///     exclusive
public enum ContentLockMode: UInt8, Sendable, CaseIterable {
  /// To read the page.
  case share
  /// To set hint bits, or to write the page out: the page does not change but for hints, and others may read.
  case shareExclusive
  /// To change the page.
  case exclusive
}

/// The content lock in the high half of a buffer's word: what each step makes of the word, as pure functions, so that
/// a test can walk through all orders in which threads take them.
///
///     bits 32–49  holders in share mode
///     bit  50     held in share-exclusive mode
///     bit  51     held in exclusive mode
///     bit  52     draining: one that wants it exclusively waits for the share holders to leave; no new ones come in
///     bit  53     somebody sleeps for share mode
///     bit  54     somebody sleeps for share-exclusive mode
///     bit  55     somebody sleeps for exclusive mode
///
/// Who cannot get the lock announces itself in the word, and sleeps while the high half stays as it was then. Who
/// releases takes the announcement of those off that it wakes: all that want to share; of each of the other modes one,
/// who announces its mode again when it gets the lock or goes back to sleep, since there may be more.
///
/// Sharers do not starve who wants the page exclusively: the first time that it meets sharers alone, it stops more from
/// coming in. While a page is being written out it does not: they read on until the device is done.
enum ContentLock {
  static let oneSharer: UInt64 = 1 << 32
  static let sharerMask: UInt64 = BufferState.pinMask << 32
  static let shareExclusive: UInt64 = 1 << 50
  static let exclusive: UInt64 = 1 << 51
  static let draining: UInt64 = 1 << 52
  static let sleeperShift: UInt64 = 53
  static let allSleepers: UInt64 = 7 << sleeperShift
  static let holders: UInt64 = sharerMask | shareExclusive | exclusive

  /// The announcement of sleepers for a mode.
  @inline(__always) static func sleepers(_ mode: ContentLockMode) -> UInt64 {
    1 << (sleeperShift + UInt64(mode.rawValue))
  }

  /// The word with the lock taken, or nil if it cannot be had now.
  @inline(__always) static func acquired(_ mode: ContentLockMode, _ word: UInt64) -> UInt64? {
    switch mode {
    case .share: word & (exclusive | draining) == 0 ? word + oneSharer : nil
    case .shareExclusive: word & (exclusive | shareExclusive | draining) == 0 ? word | shareExclusive : nil
    case .exclusive: word & holders == 0 ? word & ~draining | exclusive : nil
    }
  }

  /// The word with a share turned into share-exclusive, or nil if somebody has that, or wants to have it alone.
  @inline(__always) static func upgraded(_ word: UInt64) -> UInt64? {
    word & (shareExclusive | draining) == 0 ? word - oneSharer | shareExclusive : nil
  }

  /// Whether a word says that the lock is held in a mode, by whomever.
  @inline(__always) static func isHeld(_ mode: ContentLockMode, _ word: UInt64) -> Bool {
    switch mode {
    case .share: word & sharerMask != 0
    case .shareExclusive: word & shareExclusive != 0
    case .exclusive: word & exclusive != 0
    }
  }

  /// The word with the lock given back, and the announcements taken off it of those that are to be woken.
  @inline(__always) static func released(_ mode: ContentLockMode, _ word: UInt64) -> (word: UInt64, wakes: UInt64) {
    let rest: UInt64
    switch mode {
    case .share: rest = word - oneSharer
    case .shareExclusive: rest = word & ~shareExclusive
    case .exclusive: rest = word & ~exclusive
    }
    guard rest & allSleepers != 0 else { return (rest, 0) }
    let wakes = rest & roused(mode, rest)
    return (rest & ~wakes, wakes)
  }

  /// The modes whose sleepers may have something to do after a release.
  private static func roused(_ mode: ContentLockMode, _ rest: UInt64) -> UInt64 {
    if rest & sharerMask != 0 || rest & shareExclusive != 0 {
      // Others stay. Those that wait for the end of a share-exclusive one can go on, or keep new sharers out.
      return mode == .shareExclusive ? sleepers(.shareExclusive) | sleepers(.exclusive) : 0
    }
    // It is free. When it has been drained, it is for one that wanted that; who comes next lets all others in.
    return rest & draining != 0 ? sleepers(.exclusive) : allSleepers
  }

  /// One thread's way to the lock, from look to look.
  struct Attempt {
    let mode: ContentLockMode
    /// Whether it may have been woken in the place of others of its mode, who still sleep.
    var hasSlept = false

    enum Step: Equatable {
      /// Exchange the word for this one; then the lock is held.
      case acquire(UInt64)
      /// Exchange the word for this one, if it is another; then sleep while its high half stays so.
      case sleep(UInt64)
    }

    @inline(__always) init(_ mode: ContentLockMode) { self.mode = mode }

    @inline(__always) func step(_ word: UInt64) -> Step {
      if let taken = acquired(mode, word) {
        return .acquire(hasSlept && mode != .share ? taken | sleepers(mode) : taken)
      }
      var announced = word | sleepers(mode)
      if mode == .exclusive, word & (shareExclusive | exclusive) == 0 { announced |= draining }
      return .sleep(announced)
    }
  }
}
