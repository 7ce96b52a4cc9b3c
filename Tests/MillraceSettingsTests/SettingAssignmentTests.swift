import Testing

@testable import MillraceSettings

@Suite("Assignments")
struct SettingAssignmentTests {
  @Test("name=value, with blanks, dashes and quotes")
  func accepted() throws {
    let cases = [
      ("io_method=sync", "io_method", "sync"), ("io-method = sync", "io_method", "sync"),
      ("io_combine_limit='128 kB'", "io_combine_limit", "128 kB"), ("io_direct=", "io_direct", ""),
      ("io_direct=''", "io_direct", ""), ("a='it''s'", "a", "it's"), ("a=b=c", "a", "b=c"),
      (" io_direct = 'data, wal' ", "io_direct", "data, wal"),
    ]
    for (text, name, value) in cases {
      let assignment = try SettingAssignment(text)
      #expect(assignment.name == name)
      #expect(assignment.value == value)
    }
  }

  @Test(
    "texts that are no assignment",
    arguments: [
      ("io_method", "\"io_method\" has no value"), ("=sync", "\"=sync\" has no name"), ("", "\"\" has no value"),
      ("a='b", "the value of \"a\" has a quote that is not closed: 'b"),
      ("a='", "the value of \"a\" has a quote that is not closed: '"),
      ("a='b'c'", "the value of \"a\" has a quote that is not closed: 'b'c'"),
    ])
  func refused(text: String, message: String) throws {
    let error = try #require(throws: SettingError.self) { try SettingAssignment(text) }
    #expect(error.reason == .malformedAssignment)
    #expect(error.message == message)
  }

  @Test("the last assignment wins; the first bad one is the error")
  func several() throws {
    let settings = try Settings([
      SettingAssignment("io_workers=3"), SettingAssignment("IO-Method='sync'"), SettingAssignment("io_workers=4"),
    ])
    #expect(settings[.ioWorkers] == 4)
    #expect(settings[.ioMethod] == .sync)
    let error = #expect(throws: SettingError.self) {
      try Settings([SettingAssignment("io_workers=99"), SettingAssignment("nonsense=1")])
    }
    #expect(error?.reason == .outOfRange)
  }
}
