import MillraceTypes

/// The server's messages (src/include/libpq/protocol.h), apart from rows and COPY's data.
extension MessageEncoder {
  /// A message that is nothing but its letter.
  func empty(_ kind: StaticString) throws(ErrorReport) {
    begin(kind)
    try end()
  }

  // MARK: Authentication

  func authentication(_ request: AuthenticationRequest) throws(ErrorReport) {
    begin("R")
    int32(request.code)
    switch request {
    case .ok: break
    case .sasl(let mechanisms):
      for mechanism in mechanisms { string(mechanism) }
      int8(0)
    case .saslContinue(let data), .saslFinal(let data): text(data)
    }
    try end()
  }

  func backendKey(processID: UInt32, secret: [UInt8]) throws(ErrorReport) {
    begin("K")
    int32(Int32(bitPattern: processID))
    for byte in secret { int8(byte) }
    try end()
  }

  func parameterStatus(_ name: String, _ value: String) throws(ErrorReport) {
    begin("S")
    string(name)
    string(value)
    try end()
  }

  /// What we speak instead of a newer version, and which of the protocol's options we do not know.
  func negotiateVersion(_ version: ProtocolVersion, unknownOptions: [String]) throws(ErrorReport) {
    begin("v")
    int32(Int32(version.rawValue))
    int32(Int32(unknownOptions.count))
    for option in unknownOptions { string(option) }
    try end()
  }

  // MARK: Queries

  func report(_ report: ErrorReport) throws(ErrorReport) {
    begin(report.severity >= .error ? "E" : "N")
    for (letter, text) in report.fields {
      int8(letter)
      string(text)
    }
    int8(0)
    try end()
  }

  func readyForQuery(_ status: TransactionStatus) throws(ErrorReport) {
    begin("Z")
    int8(status.rawValue)
    try end()
  }

  func commandComplete(_ tag: String) throws(ErrorReport) {
    begin("C")
    string(tag)
    try end()
  }

  /// - Parameter formats: none for text, one for all columns, or one for each.
  func rowDescription(_ columns: [ColumnDescription], _ formats: [ValueFormat]) throws(ErrorReport) {
    begin("T")
    int16(Int16(truncatingIfNeeded: columns.count))
    for (index, column) in columns.enumerated() {
      string(column.name)
      int32(Int32(bitPattern: column.table))
      int16(column.attribute)
      int32(Int32(bitPattern: column.type))
      int16(column.typeLength)
      int32(column.typeModifier)
      int16(formats.format(ofColumn: index).rawValue)
    }
    try end()
  }

  func parameterDescription(_ types: [UInt32]) throws(ErrorReport) {
    begin("t")
    int16(Int16(truncatingIfNeeded: types.count))
    for type in types { int32(Int32(bitPattern: type)) }
    try end()
  }

  /// - Parameter kind: `G` in, `H` out, `W` both.
  func copyResponse(_ kind: StaticString, _ format: ValueFormat, _ columns: [ValueFormat]) throws(ErrorReport) {
    begin(kind)
    int8(UInt8(format.rawValue))
    int16(Int16(truncatingIfNeeded: columns.count))
    for column in columns { int16(column.rawValue) }
    try end()
  }
}

/// What a client is asked for, or told, to prove who it is.
enum AuthenticationRequest {
  case ok
  case sasl([String])
  case saslContinue(String)
  case saslFinal(String)

  var code: Int32 {
    switch self {
    case .ok: 0
    case .sasl: 10
    case .saslContinue: 11
    case .saslFinal: 12
    }
  }
}

/// What a ReadyForQuery says about transactions.
public enum TransactionStatus: UInt8, Sendable {
  /// None is open.
  case idle = 0x49
  /// A transaction block is open.
  case inTransaction = 0x54
  /// A transaction block has failed, and takes nothing but its end.
  case failed = 0x45
}

/// A column of a result, as clients are told of it.
public struct ColumnDescription: Sendable, Hashable {
  public var name: String
  /// OID of the table that it comes from; 0 where it comes from none.
  public var table: UInt32
  public var attribute: Int16
  /// OID of its type.
  public var type: UInt32
  /// Bytes of a value; -1 where they vary.
  public var typeLength: Int16
  public var typeModifier: Int32

  public init(
    _ name: String, type: UInt32, typeLength: Int16, typeModifier: Int32 = -1, table: UInt32 = 0, attribute: Int16 = 0
  ) {
    (self.name, self.type, self.typeLength) = (name, type, typeLength)
    (self.typeModifier, self.table, self.attribute) = (typeModifier, table, attribute)
  }
}
