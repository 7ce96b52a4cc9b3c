#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif
import MillraceTypes

/// What a column's value can be read as.
public protocol SQLDecodable: Sendable {
  /// - Throws: ``RowError`` where the column is NULL, or of a type that has no such value.
  init(sqlColumn: SQLColumn) throws
}

extension SQLDecodable where Self: FixedWidthInteger {
  public init(sqlColumn column: SQLColumn) throws {
    self = try column.value(of: [.int2, .int4, .int8, .oid, .xid, .cid], Self.self) { type, datum in
      switch type {
      case .oid, .xid, .cid: Self(exactly: datum.oid)
      default: Self(exactly: datum.int64)
      }
    }
  }
}

extension Int: SQLDecodable {}
extension Int16: SQLDecodable {}
extension Int32: SQLDecodable {}
extension Int64: SQLDecodable {}
extension UInt32: SQLDecodable {}

extension Bool: SQLDecodable {
  public init(sqlColumn column: SQLColumn) throws {
    self = try column.value(of: [.bool], Self.self) { $1.bool }
  }
}

extension Double: SQLDecodable {
  /// From a number of any type; of a `numeric` the nearest.
  public init(sqlColumn column: SQLColumn) throws {
    self = try column.value(of: [.float4, .float8, .int2, .int4, .int8, .numeric], Self.self) { type, datum in
      switch type {
      case .float4: Double(datum.float4)
      case .float8: datum.float8
      case .numeric: column.text.flatMap { Double($0) }
      default: Double(datum.int64)
      }
    }
  }
}

extension Float: SQLDecodable {
  public init(sqlColumn column: SQLColumn) throws {
    self = try column.value(of: [.float4], Self.self) { $1.float4 }
  }
}

extension String: SQLDecodable {
  /// Of a type that is no text, what PostgreSQL writes for it.
  public init(sqlColumn column: SQLColumn) throws {
    guard let text = column.text else { throw column.mismatch(Self.self) }
    self = text
  }
}

extension [UInt8]: SQLDecodable {
  public init(sqlColumn column: SQLColumn) throws {
    self = try column.value(of: [.bytea], Self.self) { Array($1.bytes.buffer) }
  }
}

extension Data: SQLDecodable {
  public init(sqlColumn column: SQLColumn) throws {
    self = try column.value(of: [.bytea], Self.self) { Data($1.bytes.buffer) }
  }
}

extension UUID: SQLDecodable {
  public init(sqlColumn column: SQLColumn) throws {
    self = try column.value(of: [.uuid], Self.self) { UUID(uuid: $1.bytes.buffer.loadUnaligned(as: uuid_t.self)) }
  }
}

extension Date: SQLDecodable {
  /// From a `timestamptz`, or from a `timestamp` or `date` taken as UTC.
  public init(sqlColumn column: SQLColumn) throws {
    self = try column.value(of: [.timestampTZ, .timestamp, .date], Self.self) { type, datum in
      let seconds = type == .date ? Double(datum.int32) * 86400 : Double(datum.int64) / 1_000_000
      return Date(timeIntervalSince1970: seconds + Self.sqlEpoch)
    }
  }
}

extension Optional: SQLDecodable where Wrapped: SQLDecodable {
  public init(sqlColumn column: SQLColumn) throws {
    self = column.isNull ? nil : try Wrapped(sqlColumn: column)
  }
}
