import Testing

@testable import MillraceSettings

@Suite("The catalog")
struct SettingsCatalogTests {
  @Test("names and aliases are unique and written like PostgreSQL's")
  func names() {
    let names = SettingsCatalog.all.flatMap { [$0.name] + $0.aliases }
    #expect(Set(names).count == names.count)
    for name in names {
      // PostgreSQL has three names with capitals.
      let isOld = ["DateStyle", "IntervalStyle", "TimeZone"].contains(name)
      #expect(isOld || name.allSatisfy { ("a"..."z").contains($0) || $0 == "_" || $0 == "." })
      #expect(SettingsCatalog.definition(named: name) != nil)
      #expect(SettingsCatalog.definition(named: name.uppercased()) != nil)
    }
  }

  @Test("every summary is one sentence", arguments: SettingsCatalog.all.map(\.name))
  func summaries(name: String) throws {
    let summary = try #require(SettingsCatalog.definition(named: name)).summary
    #expect(summary.last == ".")
    #expect(summary.first?.isUppercase == true)
    #expect(summary.filter { $0 == "." }.count == 1)
  }

  @Test("every default is allowed and reads back", arguments: SettingsCatalog.all.map(\.name))
  func defaults(name: String) throws {
    let definition = try #require(SettingsCatalog.definition(named: name))
    try definition.check(definition.defaultValue)
    #expect(try definition.parse(definition.defaultText) == definition.defaultValue)
    #expect(try Settings().show(name) == definition.defaultText)
  }

  @Test("show and set are a round trip for every allowed value tried", arguments: SettingsCatalog.all.map(\.name))
  func roundTrip(name: String) throws {
    let definition = try #require(SettingsCatalog.definition(named: name))
    var random = TestRandom(seed: 11)
    var values: [SettingStorage]
    switch definition.kind {
    case .bool: values = [.bool(false), .bool(true)]
    case .integer(let kind):
      let numbers =
        [kind.range.lowerBound, kind.range.upperBound] + (0..<500).map { _ in random.number(in: kind.range) }
      values = numbers.filter { kind.excluded?.range.contains($0) != true }.map { .integer($0) }
    case .real(let range):
      values = (0..<500).map { _ in .real(range.lowerBound + Double(random.below(1 << 30)) / Double(1 << 30)) }
      values.append(.real(range.upperBound))
    case .enumeration(let kind): values = kind.names.map { .text($0) }
    case .list(let words):
      // Every subset, in the order of the definition.
      values = (0..<(1 << words.count)).map { subset in
        .text(words.indices.filter { subset >> $0 & 1 == 1 }.map { words[$0] }.joined(separator: ", "))
      }
    case .string: values = [.text(""), .text("a b'c")]
    }
    for value in values {
      if definition.context != .fixed {
        var settings = Settings()
        try settings.set(name, to: definition.display(value))
        #expect(try settings.show(name) == definition.display(value))
      }
      #expect(try definition.parse(definition.display(value)) == value)
    }
  }

  @Test("values just outside the range are refused", arguments: SettingsCatalog.all.map(\.name))
  func outsideRange(name: String) throws {
    let definition = try #require(SettingsCatalog.definition(named: name))
    guard case .integer(let kind) = definition.kind else { return }
    for number in [kind.range.lowerBound - 1, kind.range.upperBound + 1] {
      let error = try #require(throws: SettingError.self) { try definition.parse("\(number)") }
      #expect(error.reason == .outOfRange || error.hint == "Value exceeds integer range.")
    }
  }

  @Test("every setting of floors 1 to 4 and of the server has exactly one key of the right type")
  func keys() {
    let integers: [SettingKey<Int>] = [
      .ioMaxConcurrency, .ioCombineLimit, .ioMaxCombineLimit, .effectiveIOConcurrency, .maintenanceIOConcurrency,
      .ioWorkers, .ioMinWorkers, .ioMaxWorkers, .ioWorkerIdleTimeout, .ioWorkerLaunchInterval, .ioWorkerQueueSize,
      .sharedBuffers, .tempBuffers, .vacuumBufferUsageLimit, .maxFilesPerProcess, .segmentSize, .backendFlushAfter,
      .bgwriterFlushAfter, .checkpointFlushAfter, .bgwriterDelay, .bgwriterLruMaxpages, .checkpointTimeout,
      .checkpointWarning, .maxWALSize, .minWALSize, .walBuffers, .walWriterDelay, .walWriterFlushAfter, .commitDelay,
      .commitSiblings, .walSkipThreshold, .ioWALConcurrency, .ioWALTargetBlocks, .walDecodeBufferSize,
      .port, .maxConnections, .superuserReservedConnections, .reservedConnections, .authenticationTimeout,
      .tcpKeepalivesIdle, .tcpKeepalivesInterval, .tcpKeepalivesCount, .tcpUserTimeout,
      .clientConnectionCheckInterval, .idleSessionTimeout, .idleInTransactionSessionTimeout, .maxWALSenders,
      .maxReplicationSlots, .walSenderTimeout, .walKeepSize, .maxSlotWALKeepSize,
    ]
    let switches: [SettingKey<Bool>] = [
      .fsync, .fullPageWrites, .walInitZero, .walRecycle, .ioWALPadPartial, .zeroDamagedPages, .ignoreChecksumFailure,
      .dataSyncRetry, .trackIOTiming, .trackWALIOTiming, .autoExplainLogIO, .ioDataForceAsync, .ssl,
    ]
    let reals: [SettingKey<Double>] = [.bgwriterLruMultiplier, .checkpointCompletionTarget]
    let words = [
      SettingKey<IOMethodSetting>.ioMethod.position, SettingKey<IODirectSetting>.ioDirect.position,
      SettingKey<HugePagesSetting>.hugePages.position, SettingKey<SharedMemoryTypeSetting>.sharedMemoryType.position,
      SettingKey<FileExtendMethodSetting>.fileExtendMethod.position,
      SettingKey<FileCopyMethodSetting>.fileCopyMethod.position,
      SettingKey<WALSyncMethodSetting>.walSyncMethod.position,
      SettingKey<SynchronousCommitSetting>.synchronousCommit.position,
      SettingKey<RecoveryPrefetchSetting>.recoveryPrefetch.position,
      SettingKey<String>.listenAddresses.position, SettingKey<String>.unixSocketDirectories.position,
      SettingKey<String>.sslCertFile.position, SettingKey<String>.sslKeyFile.position,
      SettingKey<TLSVersionSetting>.sslMinProtocolVersion.position,
      SettingKey<TLSVersionLimitSetting>.sslMaxProtocolVersion.position,
    ]
    let positions = integers.map(\.position) + switches.map(\.position) + reals.map(\.position) + words
    // The others, of statements and sessions, stand behind.
    #expect(positions.sorted() == Array(0..<positions.count))
    #expect(SettingsCatalog.all[positions.count].name == "enable_bitmapscan")
  }

  @Test("a slip in a name finds the name meant; a strange name finds none")
  func nearestName() {
    #expect(SettingsCatalog.nearestName(to: "io_combine_limt") == "io_combine_limit")
    #expect(SettingsCatalog.nearestName(to: "sharedbuffers") == "shared_buffers")
    #expect(SettingsCatalog.nearestName(to: "iomethod") == "io_method")
    #expect(SettingsCatalog.nearestName(to: "fsnyc") == nil)
    #expect(SettingsCatalog.nearestName(to: "wrk") == nil)
    #expect(SettingsCatalog.nearestName(to: "") == nil)
  }
}
