import Testing

@testable import MillraceSettings

@Suite("Error texts are PostgreSQL's")
struct SettingErrorTests {
  private func refusal(_ name: String, _ text: String) throws -> SettingError {
    try #require(throws: SettingError.self) {
      var settings = Settings()
      try settings.set(name, to: text)
    }
  }

  @Test("unknown names, with what was probably meant")
  func unrecognized() throws {
    let slip = try refusal("io_combine_limt", "1")
    #expect(slip.reason == .unrecognized)
    #expect(slip.message == "unrecognized configuration parameter \"io_combine_limt\"")
    #expect(slip.hint == "Perhaps you meant \"io_combine_limit\".")
    #expect(
      slip.description
        == "unrecognized configuration parameter \"io_combine_limt\". Perhaps you meant \"io_combine_limit\"")
    #expect(try refusal("x", "1").description == "unrecognized configuration parameter \"x\"")
    #expect(try refusal("io_data_direct", "on").hint == "Use io_direct = 'data'.")
    #expect(throws: SettingError.self) { try Settings().show("x") }
  }

  @Test("unknown words, and known words that this platform cannot have")
  func words() throws {
    let unknown = try refusal("io_method", "foo")
    #expect(unknown.message == "invalid value for parameter \"io_method\": \"foo\"")
    #expect(unknown.detail == nil)
    #expect(unknown.hint == "Available values: worker, sync, io_uring, posix_aio, auto.")
    for word in ["iocp", "IOCP", "ioring"] {
      let refused = try refusal("io_method", word)
      #expect(refused.message == "invalid value for parameter \"io_method\": \"\(word)\"")
      #expect(refused.detail?.contains("Windows") == true)
      #expect(refused.hint == unknown.hint)
    }
    #expect(try refusal("shared_memory_type", "sysv").detail?.contains("one process") == true)
  }

  @Test("ranges are printed with the unit of the setting")
  func ranges() throws {
    let expected = [
      ("io_min_workers", "0", "0 is outside the valid range for parameter \"io_min_workers\" (1 .. 32)"),
      ("io_min_workers", "33", "33 is outside the valid range for parameter \"io_min_workers\" (1 .. 32)"),
      (
        "io_combine_limit", "1.5MB",
        "192 8kB is outside the valid range for parameter \"io_combine_limit\" (1 8kB .. 128 8kB)"
      ),
      (
        "io_worker_idle_timeout", "-1s",
        "-1000 ms is outside the valid range for parameter \"io_worker_idle_timeout\" (0 ms .. 2147483647 ms)"
      ),
      (
        "wal_decode_buffer_size", "1kB",
        "1024 B is outside the valid range for parameter \"wal_decode_buffer_size\" (65536 B .. 1073741823 B)"
      ),
      (
        "bgwriter_lru_multiplier", "10.5",
        "10.5 is outside the valid range for parameter \"bgwriter_lru_multiplier\" (0 .. 10)"
      ),
      (
        "bgwriter_lru_multiplier", "-inf",
        "-Infinity is outside the valid range for parameter \"bgwriter_lru_multiplier\" (0 .. 10)"
      ),
    ]
    for (name, text, message) in expected {
      let error = try refusal(name, text)
      #expect(error.message == message)
      #expect(error.reason == .outOfRange)
      #expect(error.detail == nil)
      #expect(error.hint == nil)
    }
  }

  @Test("numbers inside the range that mean nothing")
  func excluded() throws {
    let zero = try refusal("io_max_concurrency", "0")
    #expect(zero.message == "invalid value for parameter \"io_max_concurrency\": 0")
    #expect(zero.detail == "Only -1 or values bigger than 0 are valid.")
    let ring = try refusal("vacuum_buffer_usage_limit", "64kB")
    #expect(ring.message == "invalid value for parameter \"vacuum_buffer_usage_limit\": 64")
    #expect(ring.detail == "\"vacuum_buffer_usage_limit\" must be 0 or between 128 kB and 16777216 kB.")
  }

  @Test("texts that are no number, or have no such unit")
  func malformedNumbers() throws {
    let memory = "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\"."
    let time = "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\"."
    let expected: [(String, String, String?)] = [
      ("shared_buffers", "12x", memory), ("shared_buffers", "12 KB", memory), ("shared_buffers", "1 M B", memory),
      ("shared_buffers", "abc", nil), ("shared_buffers", "", nil), ("bgwriter_delay", "1kB", time),
      ("io_workers", "3 workers", nil), ("io_workers", "1e400", nil),
      ("io_workers", "99999999999", "Value exceeds integer range."), ("bgwriter_lru_multiplier", "2x", nil),
      ("bgwriter_lru_multiplier", "nan", nil),
    ]
    for (name, text, hint) in expected {
      let error = try refusal(name, text)
      #expect(error.message == "invalid value for parameter \"\(name)\": \"\(text)\"")
      #expect(error.hint == hint, "\(name) = \(text)")
      #expect(error.detail == nil)
    }
  }

  @Test("an unknown word in a list is named")
  func list() throws {
    let error = try refusal("debug_io_direct", "data, Foo")
    #expect(error.message == "invalid value for parameter \"io_direct\": \"data, Foo\"")
    #expect(error.detail == "Invalid option \"Foo\".")
    #expect(error.hint == "Available options: data, wal, wal_init.")
  }
}
