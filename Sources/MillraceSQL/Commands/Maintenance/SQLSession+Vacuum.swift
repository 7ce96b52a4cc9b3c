import MillraceEngine
import MillraceSettings
import MillraceTypes

/// VACUUM and ANALYZE (PostgreSQL's commands/vacuum.c).
extension SQLSession {
  func vacuum(_ statement: VacuumStatement) throws(SQLError) {
    let options = try MaintenanceOptions(statement)
    if options.vacuums { try requireNoTransactionBlock("VACUUM") }
    if options.database == .only {
      return try inTransactionsOfTheirOwn { () throws(SQLError) in try advanceOldestTransaction() }
    }
    var targets: [(relation: UInt32, columns: Set<Int>?)] = []
    for target in statement.relations {
      let relation = try open(target.relation, .accessShare)
      guard relation.kind == .table || relation.kind == .materializedView || relation.kind == .toast else {
        warning(
          .wrongObjectType,
          "skipping \"\(relation.name)\" --- cannot \(options.vacuums ? "vacuum" : "analyze") non-tables or special "
            + "system tables")
        continue
      }
      var columns: Set<Int> = []
      for name in target.columns { columns.insert(try requiredColumn(name, of: relation)) }
      if !columns.isEmpty, !options.analyzes {
        throw SQLError(
          .featureNotSupported, "ANALYZE option must be specified when a column list is provided")
      }
      targets.append((relation.oid, columns.isEmpty ? nil : columns))
    }
    if statement.relations.isEmpty { targets = try allTables().map { ($0, nil) } }
    if options.vacuums {
      try inTransactionsOfTheirOwn { () throws(SQLError) in
        for target in targets { try vacuum(target.relation, options, columns: target.columns) }
        if options.database == .updated { try advanceOldestTransaction() }
      }
    } else {
      for target in targets { try analyze(target.relation, options, columns: target.columns) }
    }
  }

  /// Does something outside of the statement's transaction, which begins anew after it.
  func inTransactionsOfTheirOwn(_ body: () throws(SQLError) -> Void) throws(SQLError) {
    let wasSingle = block
    try SQLError.engine { () throws(EngineError) in try session.commit() }
    try body()
    try SQLError.engine { () throws(EngineError) in try session.begin() }
    block = wasSingle
  }

  private func advanceOldestTransaction() throws(SQLError) {
    try SQLError.engine { () throws(EngineError) in try session.advanceOldestTransaction() }
  }

  private func allTables() throws(SQLError) -> [UInt32] {
    try SQLError.engine { () throws(EngineError) in
      try catalog.rows(CatalogColumns.Class.self)
        .filter { ["r", "m"].contains($0[.relkind].char) && $0[.relpersistence].char != "t" }
        .map { $0[.oid].oid }
    }
  }

  private func vacuum(
    _ oid: UInt32, _ options: MaintenanceOptions, columns: Set<Int>?
  ) throws(SQLError) {
    let started = Self.now()
    let settings = settings
    let (relation, isOwn) = try SQLError.engine { () throws(EngineError) -> (RelationDescriptor?, Bool) in
      try session.transaction { session throws(EngineError) in
        guard let relation = try catalog.relation(oid) else { return (nil, false) }
        return (relation, (try? catalog.requireOwnership(of: relation)) != nil)
      }
    }
    guard let relation else { return }
    guard isOwn else {
      return warning(
        .insufficientPrivilege, "permission denied to vacuum \"\(relation.name)\", skipping it")
    }
    var vacuum = VacuumOptions(settings, options: relation.options)
    options.apply(to: &vacuum)
    let made = vacuum
    let result = try SQLError.engine { () throws(EngineError) in
      try session.vacuum(oid, made, options.skipsLocked ? .noWait : .wait, includesToast: options.includesToast)
    }
    if result == nil, options.skipsLocked {
      warning(.lockUnavailable, "skipping vacuum of \"\(relation.name)\" --- lock not available")
    }
    if options.isVerbose, let result { report(result, relation, started) }
    guard options.analyzes else { return }
    try SQLError.engine { () throws(EngineError) in try session.begin() }
    do throws(SQLError) {
      try analyze(oid, options, columns: columns)
      try SQLError.engine { () throws(EngineError) in try session.commit() }
    } catch {
      if session.isInTransaction { try? session.rollback() }
      throw error
    }
  }

  private func report(_ result: VacuumResult, _ relation: RelationDescriptor, _ started: Int64) {
    let schema = (try? catalog.namespaceName(relation.namespace)) ?? ""
    let seconds = Double(Self.now() - started) / 1_000_000
    let detail =
      "pages: \(result.removedPages) removed, \(result.pages) remain, \(result.scannedPages) scanned; "
      + "tuples: \(result.removedTuples) removed, \(result.liveTuples) remain, \(result.recentlyDeadTuples) are dead "
      + "but not yet removable; index scans: \(result.indexScans); elapsed: \((seconds * 100).rounded() / 100) s"
    notice(
      .info,
      SQLError(
        .successfulCompletion, "finished vacuuming \"\(databaseName).\(schema).\(relation.name)\"", detail: detail))
  }

  private func analyze(
    _ oid: UInt32, _ options: MaintenanceOptions, columns: Set<Int>?
  ) throws(SQLError) {
    var analysis = AnalyzeOptions()
    analysis.target = settings[.defaultStatisticsTarget]
    analysis.columns = columns
    analysis.seed = UInt64(bitPattern: Self.now())
    let made = analysis
    let result = try SQLError.engine { () throws(EngineError) in try session.analyze(oid, made) }
    guard options.isVerbose, let result else { return }
    let name = try SQLError.engine { () throws(EngineError) in try catalog.relation(oid)?.name ?? "" }
    notice(
      .info,
      SQLError(
        .successfulCompletion,
        "\"\(name)\": scanned \(result.sampledPages) of \(result.pages) pages, \(result.sampledRows) rows in sample"))
  }
}

/// What VACUUM and ANALYZE are told.
private struct MaintenanceOptions {
  /// What becomes of the database's oldest transaction number.
  enum DatabaseStatistics { case updated, skipped, only }

  var vacuums: Bool
  var analyzes: Bool
  var isVerbose = false
  var skipsLocked = false
  var includesToast = true
  private var freezes = false
  private var skipsNothing = false
  private var truncates: Bool?
  private var cleansIndexes: Bool?
  private(set) var database = DatabaseStatistics.updated
  /// In kilobytes.
  private var ring: Int?

  init(_ statement: VacuumStatement) throws(SQLError) {
    (vacuums, analyzes) = (statement.isVacuum, !statement.isVacuum)
    for option in statement.options {
      let text = RelationOptions.text(option.value)
      let isOn = text.flatMap { RelationOptions.boolean($0) } ?? true
      switch option.name {
      case "verbose": isVerbose = isOn
      case "analyze" where vacuums: analyzes = isOn
      case "freeze" where vacuums: freezes = isOn
      case "full" where vacuums: if isOn { throw .unsupported("VACUUM FULL", at: option.location) }
      case "skip_locked": skipsLocked = isOn
      case "process_toast" where vacuums: includesToast = isOn
      case "process_main" where vacuums && isOn: break
      case "disable_page_skipping" where vacuums: skipsNothing = isOn
      case "truncate" where vacuums: truncates = isOn
      case "index_cleanup" where vacuums: cleansIndexes = text == "auto" ? nil : isOn
      case "skip_database_stats" where vacuums: if isOn { database = .skipped }
      case "only_database_stats" where vacuums: if isOn { database = .only }
      case "parallel" where vacuums: try Self.checkWorkers(text, option)
      case "buffer_usage_limit": ring = try Self.ringSize(text, option)
      default:
        throw SQLError(
          .syntaxError, "unrecognized \(vacuums ? "VACUUM" : "ANALYZE") option \"\(option.name)\"",
          at: option.location)
      }
    }
    if database == .only { try requireNothingElse(statement) }
  }

  private func requireNothingElse(_ statement: VacuumStatement) throws(SQLError) {
    guard statement.relations.isEmpty else {
      throw SQLError(.featureNotSupported, "ONLY_DATABASE_STATS cannot be specified with a list of tables")
    }
    guard statement.options.allSatisfy({ ["only_database_stats", "verbose"].contains($0.name) }) else {
      throw SQLError(.featureNotSupported, "ONLY_DATABASE_STATS cannot be specified with other VACUUM options")
    }
  }

  /// How many may help to vacuum indexes. Nobody does.
  private static func checkWorkers(_ text: String?, _ option: DefinitionElement) throws(SQLError) {
    guard let text else {
      throw SQLError(
        .syntaxError, "parallel option requires a value between 0 and 1024", at: option.location)
    }
    guard let count = Int(text), (0...1024).contains(count) else {
      throw SQLError(
        .syntaxError, "parallel workers for vacuum must be between 0 and 1024", at: option.location)
    }
  }

  private static func ringSize(_ text: String?, _ option: DefinitionElement) throws(SQLError) -> Int {
    if let text, let definition = SettingsCatalog.definition(named: "vacuum_buffer_usage_limit"),
      case .integer(let kilobytes)? = try? definition.parse(text)
    {
      return kilobytes
    }
    throw SQLError(
      .invalidParameterValue, "BUFFER_USAGE_LIMIT option must be 0 or between 128 kB and 16777216 kB",
      at: option.location)
  }

  func apply(to options: inout VacuumOptions) {
    if freezes { options.freezesAll = true }
    if skipsNothing { options.skipsNothing = true }
    if let truncates { options.truncates = truncates }
    if let cleansIndexes { options.cleansIndexes = cleansIndexes }
    // Pages have eight kilobytes.
    if let ring { options.ringBuffers = ring / 8 }
  }
}
