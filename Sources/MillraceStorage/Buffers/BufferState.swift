/// A buffer's one atomic word: pins, usage, flags and the content lock (PostgreSQL's buffer header state,
/// src/include/storage/buf_internals.h).
///
///     bits  0–17  pins
///     bits 18–21  usage count, for the clock sweep
///     bit  22     the tag is valid: the buffer is in the table
///     bit  23     the page is valid
///     bit  24     somebody has the exclusive right to do I/O on it
///     bit  25     the last I/O failed
///     bit  26     somebody sleeps until that I/O is over, or can be waited for through its reference
///     bit  27     the page is dirty: what is on disk is older
///     bit  28     the checkpoint that is under way must write it
///     bit  29     somebody has looked at the page's structure since it was read
///     bits 32–63  the content lock (``ContentLock``)
///
/// Who sleeps for I/O uses its low half as a futex, who sleeps for the lock its high half: so that neither is disturbed
/// by what the other waits for, and locks not by pins.
struct BufferState: Equatable, Hashable {
  var rawValue: UInt64

  static let onePin: UInt64 = 1
  static let pinMask: UInt64 = (1 << 18) - 1
  static let oneUsage: UInt64 = 1 << 18
  static let usageMask: UInt64 = 0xF << 18
  static let usageMax: UInt64 = 5
  static let tagValid: UInt64 = 1 << 22
  static let valid: UInt64 = 1 << 23
  static let ioInProgress: UInt64 = 1 << 24
  static let ioError: UInt64 = 1 << 25
  static let sleepers: UInt64 = 1 << 26
  static let dirty: UInt64 = 1 << 27
  static let checkpointNeeded: UInt64 = 1 << 28
  static let examined: UInt64 = 1 << 29

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }

  @inline(__always) var pins: UInt64 { rawValue & Self.pinMask }
  @inline(__always) var usage: UInt64 { (rawValue & Self.usageMask) / Self.oneUsage }
  @inline(__always) func has(_ flag: UInt64) -> Bool { rawValue & flag != 0 }
}
