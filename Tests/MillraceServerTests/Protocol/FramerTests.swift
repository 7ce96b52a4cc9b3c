import MillraceTestSupport
import NIOCore
import Testing

@testable import MillraceServer

@Suite("Cutting a stream into messages")
struct FramerTests {
  private static let messages: [(kind: UInt8, body: [UInt8])] = [
    (MessageKind.sync, []), (MessageKind.query, Array("select 1".utf8) + [0]), (MessageKind.copyData, [1, 2, 3]),
    (MessageKind.copyData, []), (MessageKind.terminate, []),
  ]

  private static var stream: [UInt8] {
    messages.flatMap { message in
      [message.kind] + TestClient.integer(Int32(message.body.count + 4)) + message.body
    }
  }

  @Test("messages are the same however the stream is cut in two, or into single bytes")
  func everySplit() throws {
    let stream = Self.stream
    for cut in 0...stream.count {
      try check([Array(stream[..<cut]), Array(stream[cut...])])
    }
    try check(stream.map { [$0] })
    try check([stream])
  }

  private func check(_ pieces: [[UInt8]]) throws {
    var framer = MessageFramer(MessageLimits())
    var found: [(UInt8, [UInt8])] = []
    for piece in pieces {
      framer.append(ByteBuffer(bytes: piece))
      while let frame = try framer.next(isAuthenticated: true) {
        found.append((frame.kind, Array(frame.body.readableBytesView)))
      }
    }
    #expect(found.map(\.0) == Self.messages.map(\.kind))
    #expect(found.map(\.1) == Self.messages.map(\.body))
    #expect(!framer.isInsideMessage)
  }

  @Test("a length is refused as soon as it is there, before anything is kept for it")
  func limits() throws {
    var limits = MessageLimits()
    limits.large = 100
    for (kind, most) in [(MessageKind.query, 100), (MessageKind.sync, limits.small)] {
      var framer = MessageFramer(limits)
      framer.append(ByteBuffer(bytes: [kind] + TestClient.integer(Int32(most + 4))))
      #expect(try framer.next(isAuthenticated: true) == nil)
      framer = MessageFramer(limits)
      framer.append(ByteBuffer(bytes: [kind] + TestClient.integer(Int32(most + 5))))
      #expect(throws: FramingError.self) { try framer.next(isAuthenticated: true) }
    }
  }

  @Test("before a client is known only its password is read")
  func authentication() throws {
    for kind in UInt8.min...UInt8.max {
      var framer = MessageFramer(MessageLimits())
      framer.append(ByteBuffer(bytes: [kind, 0, 0, 0, 4]))
      if kind == MessageKind.password {
        #expect(try framer.next(isAuthenticated: false)?.kind == kind)
      } else {
        #expect(throws: FramingError.self) { try framer.next(isAuthenticated: false) }
      }
    }
  }
}
