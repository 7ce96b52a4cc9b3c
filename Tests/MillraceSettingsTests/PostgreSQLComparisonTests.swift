import Testing

@testable import MillraceSettings

@Suite("The catalog and the parser agree with real PostgreSQL servers")
struct PostgreSQLComparisonTests {
  /// Where a definition departs from `--describe-config`, by server version, and why.
  private static let exceptions: [Int: [String: String]] = [
    15: [
      "max_files_per_process": "18 raised the minimum from 25 to 64",
      "maintenance_work_mem": "18 lowered the minimum from 1 MB to 64 kB",
      "autovacuum_max_workers": "18 takes it at a reload",
      "data_directory": "said by -D alone", "hba_file": "has one place",
    ],
    18: [
      "io_workers": "0 hands the pool's size to io_min_workers and io_max_workers here",
      "data_directory": "said by -D alone", "hba_file": "has one place",
    ],
  ]

  /// Settings that say what there is, or whose texts mean something to a session only, which checks them.
  private static func isSettledElsewhere(_ definition: SettingDefinition) -> Bool {
    if case .string = definition.kind { return true }
    return definition.context == .fixed || definition.name.hasPrefix("transaction_")
      || definition.name == "max_stack_depth" || textExceptions[definition.name] != nil
  }

  /// Where other texts are allowed than by PostgreSQL 18, or refused in other words, and why.
  private static let textExceptions = [
    "password_encryption": "there is no md5 here",
    "wal_level": "there is no minimal and no logical",
    "default_toast_compression": "which ones there are depends on how a server was built",
    "autovacuum_work_mem": "its check depends on another setting",
    "vacuum_cost_delay": "numbers with a fraction have no unit here",
    "autovacuum_vacuum_cost_delay": "numbers with a fraction have no unit here",
  ]

  /// Where a default departs from PostgreSQL 18's, and why.
  private static let defaultExceptions = [
    "io_workers": "0 hands the pool's size to io_min_workers and io_max_workers here",
    "jit": "there is none here",
    "max_parallel_workers_per_gather": "every statement runs on one thread",
    "client_encoding": "there is only UTF8",
    "application_name": "set by initialization",
    "segment_size": "computed from the build, so it has no default to ask for",
  ]

  @Test(
    "context, type, minimum and maximum are those of PostgreSQL 15",
    .enabled(if: PostgreSQLServer.shouldRun(15), "no PostgreSQL 15 found"))
  func describeConfig15() throws {
    let server = try #require(PostgreSQLServer.find(15), "no PostgreSQL 15 found")
    #expect(try compareDefinitions(with: server) >= 32)
  }

  @Test(
    "context, type, minimum and maximum are those of PostgreSQL 18",
    .enabled(if: PostgreSQLServer.shouldRun(18), "no PostgreSQL 18 found"))
  func describeConfig18() throws {
    let server = try #require(PostgreSQLServer.find(18), "no PostgreSQL 18 found")
    #expect(try compareDefinitions(with: server) >= 40)
  }

  /// Returns how many definitions the server has as well.
  private func compareDefinitions(with server: PostgreSQLServer) throws -> Int {
    let described = try server.describeConfig()
    let contexts: [SettingContext: String] = [
      .fixed: "internal", .restart: "postmaster", .reload: "sighup", .superuser: "superuser", .session: "user",
    ]
    var compared = 0
    for definition in SettingsCatalog.all {
      guard let real = described[definition.name], Self.exceptions[server.version]?[definition.name] == nil else {
        continue
      }
      compared += 1
      #expect(real.context == contexts[definition.context], "context of \(definition.name)")
      switch definition.kind {
      case .bool: #expect(real.type == "BOOLEAN", "\(definition.name)")
      case .integer(let kind):
        #expect(real.type == "INTEGER", "\(definition.name)")
        #expect(real.minimum == "\(kind.range.lowerBound)", "minimum of \(definition.name)")
        #expect(real.maximum == "\(kind.range.upperBound)", "maximum of \(definition.name)")
      case .real(let range):
        #expect(real.type == "REAL", "\(definition.name)")
        #expect(Double(real.minimum) == range.lowerBound, "minimum of \(definition.name)")
        // The largest number of all is printed with six digits.
        #expect(
          Double(real.maximum) == range.upperBound || range.upperBound == .greatestFiniteMagnitude,
          "maximum of \(definition.name)")
      case .enumeration:
        #expect(real.type == "ENUM", "\(definition.name)")
        #expect(real.defaultText == definition.defaultText, "default of \(definition.name)")
      case .list, .string: #expect(real.type == "STRING", "\(definition.name)")
      }
    }
    return compared
  }

  @Test("defaults are PostgreSQL 18's", .enabled(if: PostgreSQLServer.shouldRun(18), "no PostgreSQL 18 found"))
  func defaults() throws {
    let server = try #require(PostgreSQLServer.find(18), "no PostgreSQL 18 found")
    let directory = try EmptyDataDirectory()
    var compared = 0
    for definition in SettingsCatalog.all
    where Self.defaultExceptions[definition.name] == nil && definition.context != .fixed {
      let name = definition.aliases.first ?? definition.name
      guard case .value(let value) = try server.ask(name, directory: directory) else { continue }
      compared += 1
      #expect(value == baseText(definition.defaultValue), "default of \(definition.name)")
    }
    #expect(compared >= 44)
  }

  @Test(
    "texts are read and refused in the same words as by PostgreSQL 18",
    .enabled(if: PostgreSQLServer.shouldRun(18), "no PostgreSQL 18 found"))
  func sameAnswers() throws {
    let server = try #require(PostgreSQLServer.find(18), "no PostgreSQL 18 found")
    let directory = try EmptyDataDirectory()
    let numbers = [
      "0", "-1", "1", "128", "64kB", "1.5MB", "30.1GB", "12x", "0x10", "010", "1e2", "2147483648", "1 min", "90s",
      "2.5ms", "",
    ]
    let reals = ["0", "0.25", ".5", "5.", "1e1", "-0.1", "10.5", "inf", "nan", "1x", "0x1p-1", " 1 "]
    let words = [
      "on", "OFF", "true", "of", "o", "2", "", "try", "fsync", "open_datasync", "copy", "data", "mmap", "no",
    ]
    var compared = 0
    for definition in SettingsCatalog.all where !Self.isSettledElsewhere(definition) {
      let name = definition.aliases.first ?? definition.name
      guard case .value = try server.ask(name, directory: directory), !definition.name.contains(".") else { continue }
      let texts =
        switch definition.kind {
        case .integer: numbers
        case .real: reals
        default: words
        }
      for text in texts where !departs(definition, text) {
        compared += 1
        let real = try server.ask(name, text: text, directory: directory)
        #expect(answer(definition, text, name) == real, "\(name) = \"\(text)\"")
      }
    }
    #expect(compared > 500)
  }

  @Test(
    "random numbers are read and refused in the same words as by PostgreSQL 18",
    .enabled(if: PostgreSQLServer.shouldRun(18), "no PostgreSQL 18 found"))
  func randomAnswers() throws {
    let server = try #require(PostgreSQLServer.find(18), "no PostgreSQL 18 found")
    let directory = try EmptyDataDirectory()
    let seed: UInt64 = 18
    var random = TestRandom(seed: seed)
    let names = [
      "temp_buffers", "wal_writer_flush_after", "checkpoint_timeout", "min_wal_size",
      "bgwriter_delay", "wal_skip_threshold", "wal_decode_buffer_size", "commit_siblings", "vacuum_buffer_usage_limit",
    ]
    let units = ["", "", "B", "kB", "MB", "GB", "TB", "us", "ms", "s", "min", "h", "d", "KB", "m"]
    for _ in 0..<300 {
      let name = random.element(of: names)
      let definition = try #require(SettingsCatalog.definition(named: name))
      var text = random.element(of: ["", "", "", " ", "-", "+", "0", "0x"])
      text += "\(random.below(1 << random.number(in: 1...33)))"
      if random.chance(1, in: 3) { text += ".\(random.below(1000))" }
      if random.chance(1, in: 8) { text += "e\(random.number(in: -3...3))" }
      text += random.element(of: ["", "", " ", "  "]) + random.element(of: units) + random.element(of: ["", "", " "])
      let real = try server.ask(name, text: text, directory: directory)
      #expect(answer(definition, text, name) == real, "seed \(seed): \(name) = \"\(text)\"")
    }
  }

  /// What Millrace makes of a text, in the form of PostgreSQL's answer.
  private func answer(_ definition: SettingDefinition, _ text: String, _ name: String) -> PostgreSQLServer.Answer {
    do throws(SettingError) {
      return .value(baseText(try definition.parse(text)))
    } catch {
      // PostgreSQL has no hint for a list, and knows `io_direct` by its older name only.
      let hint: String? = if case .list = definition.kind { nil } else { error.hint }
      func renamed(_ text: String) -> String { text.replacing("\"\(definition.name)\"", with: "\"\(name)\"") }
      return .refused(message: renamed(error.message), detail: error.detail.map(renamed), hint: hint)
    }
  }

  /// A value as `postgres -C` prints it, which is without units.
  private func baseText(_ value: SettingStorage) -> String {
    switch value {
    case .bool(let flag): flag ? "on" : "off"
    case .integer(let number): "\(number)"
    case .real(let number): SettingDefinition.display(number)
    case .text(let text): text
    }
  }

  /// Answers that differ on purpose.
  private func departs(_ definition: SettingDefinition, _ text: String) -> Bool {
    switch definition.name {
    // Other words than PostgreSQL's, so that the list of words in the hint differs.
    case "io_method", "shared_memory_type", "wal_sync_method": (try? definition.parse(text)) == nil
    // Zero is allowed here.
    case "io_workers": true
    // PostgreSQL counts in microseconds too, but lets no unit be written and prints none.
    case "commit_delay": (try? definition.parse(text)) == nil || text.contains { "sn".contains($0) }
    // PostgreSQL silently raises 0 to 3 buffers to 4.
    case "wal_buffers": ["0", "1", "1 min"].contains(text)
    // Some builds have no TLS.
    case "ssl": (try? definition.parse(text)) == .bool(true)
    // Fixed by the build.
    case "segment_size": true
    default: false
    }
  }
}
