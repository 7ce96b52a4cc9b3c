/// A version of PostgreSQL's frontend/backend protocol: major and minor number in one word
/// (src/include/libpq/pqcomm.h).
public struct ProtocolVersion: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public init(_ major: UInt16, _ minor: UInt16) { rawValue = UInt32(major) << 16 | UInt32(minor) }

  public var major: UInt16 { UInt16(rawValue >> 16) }
  public var minor: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

  public static let oldest = ProtocolVersion(3, 0)
  /// With cancel keys of up to 256 bytes (PostgreSQL 18).
  public static let newest = ProtocolVersion(3, 2)

  public var description: String { "\(major).\(minor)" }

  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// Bytes of the secret that a client of this version gets for cancelling.
  public var cancelKeyLength: Int { self >= ProtocolVersion(3, 2) ? 32 : 4 }
}
