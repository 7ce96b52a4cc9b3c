import Foundation
import MillraceServer

/// A client of the protocol that sends exactly what a test says, with blocking calls.
final class TestClient {
  struct Message: Equatable, CustomStringConvertible {
    let kind: Character
    let body: [UInt8]

    var description: String { "\(kind)(\(String(decoding: body.map { $0 == 0 ? 124 : $0 }, as: UTF8.self)))" }

    /// The fields of an error or a notice.
    var fields: [Character: String] {
      var result: [Character: String] = [:]
      for field in body.split(separator: 0) {
        result[Character(UnicodeScalar(field[field.startIndex]))] = String(decoding: field.dropFirst(), as: UTF8.self)
      }
      return result
    }

    /// The columns of a row; nil for NULL.
    var columns: [[UInt8]?] {
      var rest = body[2...]
      var result: [[UInt8]?] = []
      while !rest.isEmpty {
        let length = rest.prefix(4).reduce(Int32(0)) { $0 << 8 | Int32($1) }
        rest = rest.dropFirst(4)
        result.append(length < 0 ? nil : Array(rest.prefix(Int(length))))
        rest = rest.dropFirst(max(Int(length), 0))
      }
      return result
    }

    var texts: [String?] { columns.map { $0.map { String(decoding: $0, as: UTF8.self) } } }
  }

  /// The server has closed the connection, perhaps after it said why.
  struct Closed: Error {
    /// What the system says; 0 for the end of the stream.
    var code: Int32 = 0
    var lastWords: [Character: String]?
  }
  /// Nothing came for so long that nothing will.
  struct Silence: Error {}

  let descriptor: Int32
  private var input: [UInt8] = []
  private(set) var processID: UInt32 = 0
  private(set) var secret: [UInt8] = []
  private(set) var parameters: [String: String] = [:]

  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    limitWaiting()
  }

  init(path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    limitWaiting()
  }

  deinit { close(descriptor) }

  /// A server that says nothing fails the test instead of stopping it. Longer than any machine is busy otherwise.
  private func limitWaiting() {
    var limit = timeval(tv_sec: 600, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  // MARK: Sending

  func send(_ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }

  static func integer<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }

  static func string(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }

  static func message(_ kind: Character, _ body: [UInt8] = []) -> [UInt8] {
    [kind.asciiValue ?? 0] + integer(Int32(body.count + 4)) + body
  }

  func send(_ kind: Character, _ body: [UInt8] = []) { send(Self.message(kind, body)) }

  static func startupPacket(
    version: UInt32 = 3 << 16, user: String, database: String? = nil, _ parameters: [String: String] = [:]
  ) -> [UInt8] {
    var body = integer(version) + string("user") + string(user)
    if let database { body += string("database") + string(database) }
    for (name, value) in parameters.sorted(by: { $0.key < $1.key }) { body += string(name) + string(value) }
    body.append(0)
    return integer(Int32(body.count + 4)) + body
  }

  func startup(
    version: UInt32 = 3 << 16, user: String = "postgres", database: String? = nil, _ parameters: [String: String] = [:]
  ) {
    send(Self.startupPacket(version: version, user: user, database: database, parameters))
  }

  func query(_ sql: String) { send("Q", Self.string(sql)) }

  func parse(_ sql: String, name: String = "", types: [UInt32] = []) {
    send(
      "P", Self.string(name) + Self.string(sql) + Self.integer(Int16(types.count)) + types.flatMap { Self.integer($0) })
  }

  func bind(
    _ parameters: [[UInt8]?] = [], statement: String = "", portal: String = "", formats: [Int16] = [],
    results: [Int16] = []
  ) {
    var body = Self.string(portal) + Self.string(statement) + Self.integer(Int16(formats.count))
    body += formats.flatMap { Self.integer($0) } + Self.integer(Int16(parameters.count))
    for parameter in parameters { body += Self.integer(Int32(parameter?.count ?? -1)) + (parameter ?? []) }
    body += Self.integer(Int16(results.count)) + results.flatMap { Self.integer($0) }
    send("B", body)
  }

  func describe(_ kind: Character, _ name: String = "") { send("D", [kind.asciiValue ?? 0] + Self.string(name)) }
  func execute(_ portal: String = "", maxRows: Int32 = 0) { send("E", Self.string(portal) + Self.integer(maxRows)) }
  func sync() { send("S") }

  /// Closes one's own half.
  func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

  // MARK: Receiving

  private func fill() throws {
    var piece = [UInt8](repeating: 0, count: 65_536)
    var count = 0
    repeat { count = recv(descriptor, &piece, piece.count, 0) } while count < 0 && errno == EINTR
    if count < 0, errno == EAGAIN { throw Silence() }
    guard count > 0 else { throw Closed(code: count < 0 ? errno : 0) }
    input += piece[..<count]
  }

  func byte() throws -> UInt8 {
    while input.isEmpty { try fill() }
    return input.removeFirst()
  }

  func receive() throws -> Message {
    while input.count < 5 { try fill() }
    let length = Int(input[1..<5].reduce(0) { $0 << 8 | UInt32($1) })
    while input.count < length + 1 { try fill() }
    let message = Message(kind: Character(UnicodeScalar(input[0])), body: Array(input[5..<length + 1]))
    input.removeFirst(length + 1)
    switch message.kind {
    case "K":
      processID = message.body[..<4].reduce(0) { $0 << 8 | UInt32($1) }
      secret = Array(message.body[4...])
    case "S":
      let parts = message.body.split(separator: 0, omittingEmptySubsequences: false)
      parameters[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
    default: break
    }
    return message
  }

  /// All messages up to the one of a kind.
  @discardableResult
  func receive(until kind: Character) throws -> [Message] {
    var messages: [Message] = []
    do {
      repeat { messages.append(try receive()) } while messages.last?.kind != kind
    } catch let closed as Closed {
      throw Closed(code: closed.code, lastWords: messages.error)
    }
    return messages
  }

  @discardableResult
  func untilReady() throws -> [Message] { try receive(until: "Z") }

  /// What comes until the server closes the connection.
  func untilClosed() throws -> [Message] {
    var messages: [Message] = []
    do { while true { messages.append(try receive()) } } catch is Closed { return messages }
  }

  /// Runs a statement, and gives what came.
  func run(_ sql: String) throws -> [Message] {
    query(sql)
    return try untilReady()
  }
}

extension [TestClient.Message] {
  /// The kinds of the messages, in order.
  var kinds: String { String(map(\.kind)) }
  var rows: [[String?]] { filter { $0.kind == "D" }.map(\.texts) }
  var error: [Character: String]? { first { $0.kind == "E" }?.fields }
  var tags: [String] { filter { $0.kind == "C" }.map { String(decoding: $0.body.dropLast(), as: UTF8.self) } }
  /// What the last ReadyForQuery says.
  var status: Character? { last { $0.kind == "Z" }.map { Character(UnicodeScalar($0.body[0])) } }
}
