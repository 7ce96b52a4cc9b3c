/// Gives out numbers of relations (PostgreSQL's GetNewObjectId, src/backend/access/transam/varsup.c).
struct OIDAllocator {
  /// The next one.
  private(set) var value: UInt32
  /// So many from there on can be given out before the log must know.
  private(set) var logged: UInt32 = 0

  /// `FirstNormalObjectId`: those below belong to the system's own objects.
  private static let firstNormal: UInt32 = 16_384
  /// `VAR_OID_PREFETCH`.
  private static let prefetch: UInt32 = 8192

  init(next: UInt32) { value = next }

  /// - Parameter log: called with the number up to which all count as given out.
  mutating func next(log: (UInt32) throws(EngineError) -> Void) throws(EngineError) -> UInt32 {
    if value < Self.firstNormal { (value, logged) = (Self.firstNormal, 0) }
    if logged == 0 {
      try log(value &+ Self.prefetch)
      logged = Self.prefetch
    }
    defer {
      value &+= 1
      logged -= 1
    }
    return value
  }
}
