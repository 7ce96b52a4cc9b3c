import Testing

@testable import MillraceSettings

@Suite("Settings")
struct SettingsTests {
  @Test("typed keys read base units and Swift types")
  func typedAccess() throws {
    var settings = Settings()
    #expect(settings[.ioMethod] == .worker)
    #expect(settings[.ioDirect] == [])
    #expect(settings[.ioCombineLimit] == 16)
    #expect(settings[.bgwriterLruMultiplier] == 2)
    #expect(settings[.fsync])
    try settings.set("io_method", to: "IO_URING")
    try settings.set("debug_io_direct", to: "wal_init, data")
    try settings.set("io_combine_limit", to: "256kB")
    #expect(settings[.ioMethod] == .ioUring)
    #expect(settings[.ioDirect] == [.data, .walInit])
    #expect(settings[.ioCombineLimit] == 32)
    #expect(settings.bytes(.ioCombineLimit) == 262_144)
    #expect(settings.duration(.ioWorkerIdleTimeout) == .seconds(60))
    #expect(settings.duration(.commitDelay) == .zero)
    #expect(settings.bytes(.walDecodeBufferSize) == 524_288)
    #expect(try settings.show("io_direct") == "data, wal_init")
    #expect(settings.changed.map(\.definition.name) == ["io_method", "io_direct", "io_combine_limit"])
    #expect(settings.changed.map(\.text) == ["io_uring", "data, wal_init", "256kB"])
  }

  @Test("typed keys set what they read")
  func typedSet() throws {
    var settings = Settings()
    try settings.set(.ioMethod, to: .sync)
    try settings.set(.ioDirect, to: [.wal])
    try settings.set(.ioMinWorkers, to: 32)
    try settings.set(.checkpointCompletionTarget, to: 0.25)
    #expect(try settings.show("io_method") == "sync")
    #expect(try settings.show("io_direct") == "wal")
    #expect(try settings.show("io_min_workers") == "32")
    #expect(try settings.show("checkpoint_completion_target") == "0.25")
    let error = #expect(throws: SettingError.self) { try settings.set(.ioMinWorkers, to: 33) }
    #expect(error?.message == "33 is outside the valid range for parameter \"io_min_workers\" (1 .. 32)")
    #expect(settings[.ioMinWorkers] == 32)
  }

  @Test("a copy is a snapshot; reset brings the default back")
  func copies() throws {
    var settings = Settings()
    try settings.set("shared_buffers", to: "1GB")
    let copy = settings
    try settings.reset("shared_buffers")
    #expect(copy[.sharedBuffers] == 131_072)
    #expect(settings == Settings())
    #expect(copy != settings)
  }

  @Test("booleans: every beginning that means one thing, in any case of letters")
  func booleans() throws {
    let accepted = [
      true: ["on", "ON", "t", "tr", "tru", "true", "TRUE", "y", "ye", "yes", "1"],
      false: ["of", "off", "Off", "f", "fa", "fal", "fals", "false", "n", "no", "0"],
    ]
    for (value, texts) in accepted {
      for text in texts {
        var settings = Settings()
        try settings.set("zero_damaged_pages", to: text)
        #expect(settings[.zeroDamagedPages] == value, "\(text)")
      }
    }
    for text in ["", "o", "2", "01", "onn", "truee", " on", "on ", "ja"] {
      var settings = Settings()
      let error = #expect(throws: SettingError.self) { try settings.set("zero_damaged_pages", to: text) }
      #expect(error?.message == "parameter \"zero_damaged_pages\" requires a Boolean value")
    }
  }

  @Test("enumerations: any case of letters, and the words of their boolean past")
  func enumerations() throws {
    var settings = Settings()
    try settings.set("synchronous_commit", to: "Remote_Apply")
    #expect(settings[.synchronousCommit] == .remoteApply)
    for (text, value) in [("true", SynchronousCommitSetting.on), ("NO", .off), ("1", .on), ("0", .off)] {
      try settings.set("synchronous_commit", to: text)
      #expect(settings[.synchronousCommit] == value)
    }
    try settings.set("huge_pages", to: "yes")
    #expect(try settings.show("huge_pages") == "on")
  }

  @Test("lists: blanks, quotes, any case of letters, repeated words")
  func lists() throws {
    var settings = Settings()
    let cases: [(String, IODirectSetting)] = [
      ("", []), ("  ", []), ("data", .data), ("DATA,wal", [.data, .wal]), ("wal_init , data", [.data, .walInit]),
      ("\"data\", \"wal\"", [.data, .wal]), ("wal,wal", .wal), ("data,wal,wal_init", [.data, .wal, .walInit]),
    ]
    for (text, value) in cases {
      try settings.set("io_direct", to: text)
      #expect(settings[.ioDirect] == value, "\(text)")
    }
    for text in ["data,,wal", ",data", "data,", "data wal", "\"data", "\"data\"wal", ","] {
      let error = #expect(throws: SettingError.self, "\(text)") { try settings.set("io_direct", to: text) }
      #expect(error?.detail == "Invalid list syntax in parameter \"io_direct\".")
    }
  }

  @Test("each context changes at its moments only")
  func contexts() throws {
    func refusal(_ name: String, _ value: String, _ moment: SettingMoment) -> String? {
      var settings = Settings()
      do throws(SettingError) {
        try settings.set(name, to: value, at: moment)
        try settings.reset(name, at: moment)
        return nil
      } catch {
        return error.message
      }
    }
    let restart = "parameter \"io_method\" cannot be changed without restarting the server"
    let expected: [(String, String, [SettingMoment: String])] = [
      ("io_method", "sync", [.reload: restart, .superuserSession: restart, .session: restart]),
      (
        "io_workers", "3",
        [
          .superuserSession: "parameter \"io_workers\" cannot be changed now",
          .session: "parameter \"io_workers\" cannot be changed now",
        ]
      ),
      ("wal_recycle", "off", [.session: "permission denied to set parameter \"wal_recycle\""]),
      ("io_combine_limit", "64kB", [:]),
    ]
    for (name, value, refusals) in expected {
      for moment in SettingMoment.allCases {
        #expect(refusal(name, value, moment) == refusals[moment], "\(name) at \(moment)")
      }
    }
  }

  @Test("io_combine_limit is clamped silently")
  func combineLimit() throws {
    var settings = Settings()
    try settings.set("io_combine_limit", to: "1MB")
    #expect(settings[.ioCombineLimit] == 128)
    #expect(settings.effectiveIOCombineLimit == 16)
    try settings.set("io_max_combine_limit", to: "512kB")
    #expect(settings.effectiveIOCombineLimit == 64)
    #expect(settings.warnings.isEmpty)
  }

  @Test("the bounds of the worker pool, and the warning where they cross")
  func workerBounds() throws {
    var settings = Settings()
    #expect(settings.ioWorkerBounds == 2...8)
    try settings.set("io_workers", to: "3")
    #expect(settings.ioWorkerBounds == 3...3)
    try settings.set("io_workers", to: "0")
    try settings.set("io_min_workers", to: "10")
    #expect(settings.ioWorkerBounds == 8...8)
    #expect(
      settings.warnings.map(\.message) == [
        "\"io_min_workers\" (10) should be less than or equal to \"io_max_workers\" (8)"
      ])
    #expect(settings.warnings.map(\.detail) == ["The pool of I/O workers will not grow beyond \"io_max_workers\"."])
    try settings.set("io_workers", to: "5")
    #expect(settings.warnings.isEmpty)
  }

  @Test("io_max_concurrency of -1 is the fair share of the buffer pool, at most 64")
  func maxConcurrency() throws {
    var settings = Settings()
    #expect(settings.effectiveIOMaxConcurrency(backendsMax: 138) == 64)
    try settings.set("shared_buffers", to: "8MB")
    #expect(settings.effectiveIOMaxConcurrency(backendsMax: 100) == 10)
    try settings.set("shared_buffers", to: "128kB")
    #expect(settings.effectiveIOMaxConcurrency(backendsMax: 100) == 1)
    try settings.set("io_max_concurrency", to: "7")
    #expect(settings.effectiveIOMaxConcurrency(backendsMax: 100) == 7)
  }
}
