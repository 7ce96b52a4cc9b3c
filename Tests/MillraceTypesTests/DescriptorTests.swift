import MillraceTypes
import Testing

@Suite("Type descriptors")
struct DescriptorTests {
  let arena = Arena()

  @Test(
    "texts become values and texts again",
    arguments: [
      ("bool", " YES ", "t"), ("bool", "of", "f"), ("int2", "-32768", "-32768"), ("int4", " 0x_1F ", "31"),
      ("int8", "9_223_372_036_854_775_807", "9223372036854775807"), ("oid", "4294967295", "4294967295"),
      ("text", "größer", "größer"), ("name", String(repeating: "ä", count: 40), String(repeating: "ä", count: 31)),
    ])
  func roundTrip(type: String, text: String, expected: String) throws {
    let descriptor = try #require(TypeDescriptor.all.first { $0.name == type })
    #expect(descriptor.text(of: try descriptor.value(of: text, in: arena)) == expected)
  }

  @Test("an integer that is too large is refused in PostgreSQL's words")
  func outOfRange() {
    #expect(throws: TypeError(SQLState("22003"), "value \"2147483648\" is out of range for type integer")) {
      try TypeDescriptor.int4.value(of: "2147483648", in: arena)
    }
    #expect(throws: TypeError(SQLState("22P02"), "invalid input syntax for type smallint: \"1 2\"")) {
      try TypeDescriptor.int2.value(of: "1 2", in: arena)
    }
  }

  @Test("an arena's values stay where they are until it is reset, and its memory is used again")
  func arenaReuse() {
    let arena = Arena(chunkSize: 256)
    for round in 0..<3 {
      let values = (0..<100).map { arena.copy("value \($0) of round \(round)") }
      let large = arena.copy([UInt8](repeating: 7, count: 1000))
      for (index, value) in values.enumerated() { #expect(value.bytes.string == "value \(index) of round \(round)") }
      #expect(large.bytes.allSatisfy { $0 == 7 })
      arena.reset()
    }
    let capacity = arena.capacity
    for index in 0..<100 { _ = arena.copy("value \(index) of round 9") }
    _ = arena.copy([UInt8](repeating: 7, count: 1000))
    #expect(arena.capacity == capacity)
  }
}
