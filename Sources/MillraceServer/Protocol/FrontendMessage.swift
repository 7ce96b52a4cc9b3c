public import MillraceTypes
public import NIOCore

/// What a client asks for, once it is known.
enum FrontendMessage {
  case query(String)
  case parse(name: String, sql: String, parameterTypes: [UInt32])
  case bind(BindMessage)
  case describe(StatementTarget)
  case execute(portal: String, maxRows: Int)
  case close(StatementTarget)
  case flush
  case sync
  case copyData(ByteBuffer)
  case copyDone
  case copyFail(String)
  case functionCall
  case terminate

  /// - Throws: a protocol violation, or text that is not UTF-8.
  init(_ frame: Frame) throws(ErrorReport) {
    var reader = MessageReader(frame.body)
    switch frame.kind {
    case MessageKind.query: self = .query(try reader.string())
    case MessageKind.parse: self = try Self.parse(&reader)
    case MessageKind.bind: self = .bind(try BindMessage(&reader))
    case MessageKind.describe: self = .describe(try StatementTarget(&reader, "DESCRIBE"))
    case MessageKind.execute:
      self = .execute(portal: try reader.string(), maxRows: Int(try reader.int32()))
    case MessageKind.close: self = .close(try StatementTarget(&reader, "CLOSE"))
    case MessageKind.flush: self = .flush
    case MessageKind.sync: self = .sync
    case MessageKind.copyData:
      self = .copyData(reader.rest)
      return
    case MessageKind.copyDone: self = .copyDone
    case MessageKind.copyFail: self = .copyFail(try reader.string())
    case MessageKind.functionCall:
      self = .functionCall
      return
    case MessageKind.terminate:
      self = .terminate
      return
    default: throw ErrorReport(.fatal, .protocolViolation, "invalid frontend message type \(frame.kind)")
    }
    try reader.end()
  }

  private static func parse(_ reader: inout MessageReader) throws(ErrorReport) -> FrontendMessage {
    let name = try reader.string()
    let sql = try reader.string()
    let count = try reader.count(bytesEach: 4)
    var types: [UInt32] = []
    types.reserveCapacity(count)
    for _ in 0..<count { types.append(try reader.oid()) }
    return .parse(name: name, sql: sql, parameterTypes: types)
  }
}

/// What a Describe or a Close is about.
public enum StatementTarget: Sendable, Hashable {
  case statement(String)
  case portal(String)

  init(_ reader: inout MessageReader, _ message: String) throws(ErrorReport) {
    let kind = try reader.byte()
    let name = try reader.string()
    switch kind {
    case UInt8(ascii: "S"): self = .statement(name)
    case UInt8(ascii: "P"): self = .portal(name)
    default: throw .protocolViolation("invalid \(message) message subtype \(kind)")
    }
  }
}

extension ValueFormat {
  init(code: Int16) throws(ErrorReport) {
    guard let format = ValueFormat(rawValue: code) else {
      throw ErrorReport(.error, .invalidParameterValue, "unsupported format code: \(code)")
    }
    self = format
  }
}

/// A statement's parameters, and in which formats its columns are wanted.
public struct BindMessage: Sendable {
  public let portal: String
  public let statement: String
  public let parameters: ParameterList
  /// None: all text. One: all the same. Else one for each column.
  public let resultFormats: [ValueFormat]

  init(_ reader: inout MessageReader) throws(ErrorReport) {
    portal = try reader.string()
    statement = try reader.string()
    let formats = try Self.formats(&reader)
    let count = try reader.count(bytesEach: 4)
    guard formats.count <= 1 || formats.count == count else {
      throw .protocolViolation("bind message has \(formats.count) parameter formats but \(count) parameters")
    }
    var values: [ByteBuffer?] = []
    values.reserveCapacity(count)
    for _ in 0..<count {
      let length = try reader.int32()
      values.append(length == -1 ? nil : try reader.slice(Int(length)))
    }
    parameters = ParameterList(values: values, formats: formats)
    resultFormats = try Self.formats(&reader)
  }

  private static func formats(_ reader: inout MessageReader) throws(ErrorReport) -> [ValueFormat] {
    let count = try reader.count(bytesEach: 2)
    var formats: [ValueFormat] = []
    formats.reserveCapacity(count)
    for _ in 0..<count { formats.append(try ValueFormat(code: try reader.int16())) }
    return formats
  }
}

/// The values of a statement's parameters, as the client sent them.
public struct ParameterList: Sendable {
  /// Nil for NULL.
  public let values: [ByteBuffer?]
  private let formats: [ValueFormat]

  init(values: [ByteBuffer?], formats: [ValueFormat]) { (self.values, self.formats) = (values, formats) }

  public static let none = ParameterList(values: [], formats: [])

  public var count: Int { values.count }

  /// The format of one of the values.
  public func format(_ index: Int) -> ValueFormat { formats.format(ofColumn: index) }
}

/// The formats of a result's columns as a client says them: none for text, one for all columns, or one for each.
extension [ValueFormat] {
  /// - Throws: a protocol violation, where there are neither none, nor one, nor as many as columns.
  public func check(columns count: Int) throws(ErrorReport) {
    guard self.count > 1, self.count != count else { return }
    throw .protocolViolation("bind message has \(self.count) result formats but query has \(count) columns")
  }

  /// The format of one of the columns.
  public func format(ofColumn index: Int) -> ValueFormat {
    switch count {
    case 0: .text
    case 1: self[0]
    default: self[index]
    }
  }
}
