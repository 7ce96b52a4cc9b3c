/// Where a node begins, in bytes from the begin of the parsed string.
///
/// All locations are equal, so that two trees are equal when they say the same, wherever that was written; PostgreSQL's
/// equal() does likewise.
public struct Location: Hashable, Sendable {
  /// -1 where the grammar does not say it.
  public var offset: Int32

  public init(_ offset: Int32) { self.offset = offset }

  /// Nowhere in the string.
  public static let unknown = Location(-1)

  public var isKnown: Bool { offset >= 0 }

  public static func == (_: Location, _: Location) -> Bool { true }
  public func hash(into _: inout Hasher) {}
}
