import Foundation

/// A connection to a real server, for its answers word for word: the fields of errors, which psql does not show all.
///
/// The simple query protocol of version 3.0, over a Unix socket, trusted.
final class ServerSession {
  enum Outcome: Equatable {
    case success
    /// By the protocol's letters: `C` is the SQLSTATE, `M` the message, `P` the position.
    case failure([Character: String])
  }

  struct Broken: Error { let what: String }

  private let descriptor: Int32

  /// - Parameter directory: where the server has its socket, for port 5432.
  init(directory: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: "\(directory)/.s.PGSQL.5432\0".utf8) }
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else { throw Broken(what: "cannot connect: \(errno)") }
    try send(nil, Self.bigEndian(196608) + Array("user\0postgres\0database\0postgres\0client_encoding\0UTF8\0\0".utf8))
    _ = try readUntilReady()
  }

  deinit { close(descriptor) }

  func run(_ sql: String) throws -> Outcome {
    try send(UInt8(ascii: "Q"), Array(sql.utf8) + [0])
    return try readUntilReady()
  }

  /// What a server says of a statement before it runs it.
  enum Description: Equatable {
    case failure([Character: String])
    /// The types of its parameters, and the columns of its result; nil where it has none.
    case statement(parameters: [UInt32], columns: [Column]?)

    struct Column: Equatable {
      var name: String
      var type: UInt32
      var typmod: Int32
      /// The number of the table's column that it shows; 0 for anything else.
      var origin: Int16
    }
  }

  /// Parse and Describe of the extended protocol.
  func describe(_ sql: String) throws -> Description {
    try send(UInt8(ascii: "P"), [0] + Array(sql.utf8) + [0, 0, 0])
    try send(UInt8(ascii: "D"), [UInt8(ascii: "S"), 0])
    try send(UInt8(ascii: "S"), [])
    var (parameters, columns): ([UInt32], [Description.Column]?) = ([], nil)
    var failure: [Character: String]?
    while true {
      let header = try receive(5)
      var body = try receive(Int(Self.integer(header[1...])) - 4)[...]
      switch header[0] {
      case UInt8(ascii: "E"): failure = Self.fields(body)
      case UInt8(ascii: "t"):
        for _ in 0..<Self.take(&body, 2) { parameters.append(UInt32(truncatingIfNeeded: Self.take(&body, 4))) }
      case UInt8(ascii: "T"):
        columns = []
        for _ in 0..<Self.take(&body, 2) {
          let name = body.prefix { $0 != 0 }
          body = body[(name.endIndex + 1)...]
          _ = Self.take(&body, 4)
          let origin = Int16(truncatingIfNeeded: Self.take(&body, 2))
          let type = UInt32(truncatingIfNeeded: Self.take(&body, 4))
          _ = Self.take(&body, 2)
          let typmod = Int32(truncatingIfNeeded: Self.take(&body, 4))
          _ = Self.take(&body, 2)
          columns?.append(
            Description.Column(name: String(decoding: name, as: UTF8.self), type: type, typmod: typmod, origin: origin))
        }
      case UInt8(ascii: "Z"):
        if let failure { return .failure(failure) }
        return .statement(parameters: parameters, columns: columns)
      default: break
      }
    }
  }

  /// What a server answers to a statement that it runs: the last one's rows as texts, or the error.
  struct Answer: Equatable {
    var columns: [String] = []
    var rows: [[String?]] = []
    var tag: String?
    var failure: [Character: String]?
  }

  /// Runs statements by the simple protocol.
  func execute(_ sql: String) throws -> Answer {
    try send(UInt8(ascii: "Q"), Array(sql.utf8) + [0])
    var answer = Answer()
    while true {
      let header = try receive(5)
      var body = try receive(Int(Self.integer(header[1...])) - 4)[...]
      switch header[0] {
      case UInt8(ascii: "E"): answer.failure = Self.fields(body)
      case UInt8(ascii: "T"):
        (answer.columns, answer.rows) = ([], [])
        for _ in 0..<Self.take(&body, 2) {
          let name = body.prefix { $0 != 0 }
          answer.columns.append(String(decoding: name, as: UTF8.self))
          body = body[(name.endIndex + 19)...]
        }
      case UInt8(ascii: "D"):
        var row: [String?] = []
        for _ in 0..<Self.take(&body, 2) {
          let length = Self.take(&body, 4)
          guard length != 0xFFFF_FFFF else {
            row.append(nil)
            continue
          }
          row.append(String(decoding: body.prefix(length), as: UTF8.self))
          body = body.dropFirst(length)
        }
        answer.rows.append(row)
      case UInt8(ascii: "C"): answer.tag = String(decoding: body.dropLast(), as: UTF8.self)
      case UInt8(ascii: "Z"): return answer
      default: break
      }
    }
  }

  private static func integer(_ bytes: some Sequence<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

  private static func take(_ bytes: inout ArraySlice<UInt8>, _ count: Int) -> Int {
    defer { bytes = bytes.dropFirst(count) }
    return integer(bytes.prefix(count))
  }

  private static func fields(_ body: some Collection<UInt8>) -> [Character: String] {
    var fields: [Character: String] = [:]
    for field in body.split(separator: 0) {
      fields[Character(Unicode.Scalar(field[field.startIndex]))] = String(decoding: field.dropFirst(), as: UTF8.self)
    }
    return fields
  }

  private static func bigEndian(_ value: Int32) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }

  private func send(_ type: UInt8?, _ body: [UInt8]) throws {
    let message = (type.map { [$0] } ?? []) + Self.bigEndian(Int32(body.count + 4)) + body
    var sent = 0
    while sent < message.count {
      let count = message[sent...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { throw Broken(what: "cannot send: \(errno)") }
      sent += count
    }
  }

  private func receive(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var received = 0
    while received < count {
      let now = bytes[received...].withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      guard now > 0 else { throw Broken(what: "cannot receive: \(errno)") }
      received += now
    }
    return bytes
  }

  private func readUntilReady() throws -> Outcome {
    var outcome = Outcome.success
    while true {
      let header = try receive(5)
      let length = header[1...].reduce(0) { $0 << 8 | Int($1) }
      let body = try receive(length - 4)
      switch header[0] {
      case UInt8(ascii: "E"):
        outcome = .failure(Self.fields(body))
      case UInt8(ascii: "Z"): return outcome
      default: break
      }
    }
  }
}
