#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif
public import MillraceTypes

/// What a statement's `$1` can be: a Swift value that knows which type of SQL it is.
///
/// Integers, floating-point numbers, booleans, strings, bytes, UUIDs and dates are; a program can add its own.
public protocol SQLEncodable: Sendable {
  var sqlArgument: SQLArgument { get }
}

/// A value on its way into a statement.
public struct SQLArgument: Hashable, Sendable {
  enum Value: Hashable, Sendable {
    case null
    /// As the type's binary format has it.
    case binary([UInt8])
    /// What the type's input function reads.
    case text(String)
  }

  /// ``TypeID/none`` where the statement decides it.
  let type: TypeID
  let value: Value

  init(_ type: TypeID, _ value: Value) { (self.type, self.value) = (type, value) }

  init<Integer: FixedWidthInteger>(_ type: TypeID, _ value: Integer) {
    self.init(type, .binary(withUnsafeBytes(of: value.bigEndian) { Array($0) }))
  }

  /// NULL, of whatever type the statement wants.
  public static let null = SQLArgument(.none, .null)

  /// A value as its text, read as the statement needs it, or as a type that is said.
  /// - Parameter type: the type's OID; none leaves it to the statement.
  public static func text(_ text: String, type: TypeID = .none) -> SQLArgument { SQLArgument(type, .text(text)) }
}

extension Int16: SQLEncodable { public var sqlArgument: SQLArgument { SQLArgument(.int2, self) } }
extension Int32: SQLEncodable { public var sqlArgument: SQLArgument { SQLArgument(.int4, self) } }
extension Int64: SQLEncodable { public var sqlArgument: SQLArgument { SQLArgument(.int8, self) } }
extension Float: SQLEncodable { public var sqlArgument: SQLArgument { SQLArgument(.float4, bitPattern) } }
extension Double: SQLEncodable { public var sqlArgument: SQLArgument { SQLArgument(.float8, bitPattern) } }

extension Bool: SQLEncodable {
  public var sqlArgument: SQLArgument { SQLArgument(.bool, .binary([self ? 1 : 0])) }
}

extension Int: SQLEncodable {
  /// An `int8`.
  public var sqlArgument: SQLArgument { Int64(self).sqlArgument }
}

extension String: SQLEncodable {
  /// As a literal in quotes is: the statement decides which type it is read as.
  public var sqlArgument: SQLArgument { SQLArgument(.none, .text(self)) }
}

extension UUID: SQLEncodable {
  public var sqlArgument: SQLArgument { SQLArgument(.uuid, .binary(withUnsafeBytes(of: uuid) { Array($0) })) }
}

extension [UInt8]: SQLEncodable {
  /// A `bytea`.
  public var sqlArgument: SQLArgument { SQLArgument(.bytea, .binary(self)) }
}

extension Data: SQLEncodable {
  /// A `bytea`.
  public var sqlArgument: SQLArgument { SQLArgument(.bytea, .binary(Array(self))) }
}

extension Date: SQLEncodable {
  /// A `timestamptz`, to the microsecond.
  public var sqlArgument: SQLArgument {
    let microseconds = (timeIntervalSince1970 - Self.sqlEpoch) * 1_000_000
    guard microseconds.magnitude < 9.2e18 else {
      return SQLArgument(.timestampTZ, microseconds < 0 ? Int64.min : Int64.max)
    }
    return SQLArgument(.timestampTZ, Int64(microseconds.rounded()))
  }

  /// 2000-01-01, from which PostgreSQL counts, in seconds since 1970.
  static let sqlEpoch = 946_684_800.0
}

extension Optional: SQLEncodable where Wrapped: SQLEncodable {
  public var sqlArgument: SQLArgument { self?.sqlArgument ?? .null }
}
