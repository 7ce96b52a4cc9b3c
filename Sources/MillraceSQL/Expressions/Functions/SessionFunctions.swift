import MillraceEngine
import MillraceTypes

extension CallFrame {
  var catalog: SessionCatalog { context.catalog }
  @inline(__always) func name(_ text: String) -> Datum {
    var text = text
    return text.withUTF8 { NameType.make(ByteView(UnsafeRawBufferPointer($0)), in: arena) }
  }
}

/// What functions know of the session, its transaction and the server.
extension FunctionRegistry {
  mutating func addSessionFunctions() {
    addTimes()
    addNames()
    addSettings()
    addTransactions()
    addSequences()
    addBackends()
  }

  private mutating func addTimes() {
    scalar("now") { call in Datum(call.context.session.transactionTime) }
    scalar("statement_timestamp") { call in Datum(call.context.session.statementTime) }
    scalar("clock_timestamp") { _ in Datum(SystemClock.now()) }
    scalar("sql_localtimestamp") { (call) throws(TypeError) in
      Datum(try Timestamp.local(call.context.session.transactionTime, in: call.dateTime.timeZone))
    }
    scalar("timeofday") { (call) throws(TypeError) in
      let template = DateTimeTemplate(ByteView("Dy Mon DD HH24:MI:SS.US YYYY TZ"))
      return try call.make { (text) throws(TypeError) in
        try template.append(timestampTZ: SystemClock.now(), in: call.dateTime.timeZone, to: &text)
      }
    }
    session("pg_sleep") { (call) throws(SQLError) in
      try Sleeping.sleep(call[0].float8, call)
      return Datum(word: 0)
    }
    session("pg_sleep_for(interval)") { (call) throws(SQLError) in
      let interval = call.interval(0)
      let days = Double(interval.days) + Double(interval.months) * 30
      try Sleeping.sleep(days * 86_400 + Double(interval.microseconds) / 1_000_000, call)
      return Datum(word: 0)
    }
    session("pg_sleep_until(timestamptz)") { (call) throws(SQLError) in
      try Sleeping.sleep(Double(call[0].int64 - SystemClock.now()) / 1_000_000, call)
      return Datum(word: 0)
    }
  }

  private mutating func addNames() {
    scalar("current_user") { call in call.name(call.context.environment.currentUser) }
    scalar("session_user") { call in call.name(call.context.environment.sessionUser) }
    scalar("current_database") { call in call.name(call.context.environment.databaseName) }
    session("current_schema") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        for oid in try call.catalog.path() where !SchemaNames.isImplicit(oid, call.catalog) {
          if let name = try call.catalog.namespaceName(oid) { return call.name(name) }
        }
        return nil
      }
    }
    session("current_schemas") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        var names: [Datum?] = []
        for oid in try call.catalog.path() where call[0].bool || !SchemaNames.isImplicit(oid, call.catalog) {
          if let name = try call.catalog.namespaceName(oid) { names.append(call.name(name)) }
        }
        return ArrayType.make(names, of: .name, in: call.arena)
      }
    }
    scalar("pgsql_version") { call in
      let version = call.context.environment.setting("server_version") ?? "18.0"
      return call.arena.copy("PostgreSQL \(version) (Millrace), 64-bit")
    }
    scalar("inet_client_addr") { call in call.context.environment.clientAddress.map { call.arena.copy($0) } }
    scalar("pg_postmaster_start_time") { call in Datum(call.context.environment.serverStart) }
    scalar("getdatabaseencoding") { call in call.name("UTF8") }
    scalar("pg_client_encoding") { call in call.name(call.context.environment.setting("client_encoding") ?? "UTF8") }
    scalar("PG_encoding_to_char") { call in
      let names: [Int32: String] = [0: "SQL_ASCII", 6: "UTF8"]
      return call.name(names[call[0].int32] ?? "")
    }
    scalar("PG_char_to_encoding") { call in
      let name = NameType.text(call[0]).string.uppercased()
      return Datum(Int32(["UTF8", "UTF-8", "UNICODE"].contains(name) ? 6 : name == "SQL_ASCII" ? 0 : -1))
    }
  }

  private mutating func addSettings() {
    session("show_config_by_name", "show_config_by_name_missing_ok") { (call) throws(SQLError) in
      let name = call.text(0).string
      if let value = call.context.environment.setting(name) { return call.arena.copy(value) }
      if call.count > 1, call[1].bool { return nil }
      throw SQLError(.undefinedObject, "unrecognized configuration parameter \"\(name)\"")
    }
    session("set_config_by_name") { (call) throws(SQLError) in
      guard let name = call.optional(0)?.bytes.string else {
        throw SQLError(.nullValueNotAllowed, "SET requires parameter name")
      }
      let environment = call.context.environment
      try environment.set(
        name, to: call.optional(1)?.bytes.string ?? "", isLocal: call.optional(2)?.bool ?? false)
      return environment.setting(name).map { call.arena.copy($0) }
    }
  }

  private mutating func addTransactions() {
    session("pg_current_xact_id") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        try call.context.session.requireWritable("pg_current_xact_id()")
        return Datum(word: try call.context.session.requireFullTransactionID())
      }
    }
    scalar("pg_current_xact_id_if_assigned") { call in
      call.context.session.fullTransactionID.map { Datum(word: $0) }
    }
    scalar("xid8toxid") { call in Datum(oid: UInt32(truncatingIfNeeded: call[0].word)) }
    scalar("xid_age") { call in
      let next = UInt32(truncatingIfNeeded: call.context.session.nextFullTransactionID)
      let xid = call[0].oid
      return Datum(xid < 3 ? Int32.max : Int32(truncatingIfNeeded: Int64(next) - Int64(xid)))
    }
    scalar("xid8_larger") { call in call[0].word > call[1].word ? call[0] : call[1] }
    scalar("xid8_smaller") { call in call[0].word < call[1].word ? call[0] : call[1] }
  }

  private mutating func addSequences() {
    session("nextval_oid") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        try call.context.session.requireWritable("nextval()")
        return Datum(try call.catalog.nextValue(of: call[0].oid))
      }
    }
    session("currval_oid") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in Datum(try call.catalog.currentValue(of: call[0].oid)) }
    }
    session("lastval") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in Datum(try call.catalog.lastValue()) }
    }
    session("setval_oid", "setval3_oid") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        try call.context.session.requireWritable("setval()")
        try call.catalog.setValue(of: call[0].oid, to: call[1].int64, isCalled: call.count < 3 || call[2].bool)
        return call[1]
      }
    }
    session("pg_sequence_last_value") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        let state = try call.catalog.sequenceState(call[0].oid)
        return state.isCalled ? Datum(state.lastValue) : nil
      }
    }
  }

  private mutating func addBackends() {
    scalar("pg_backend_pid") { call in Datum(call.context.environment.processID) }
    scalar("pg_cancel_backend") { call in
      Datum(call.context.session.database.session(withProcessID: call[0].int32)?.cancel() ?? false)
    }
    scalar("pg_terminate_backend") { call in
      Datum(call.context.environment.terminate(processID: call[0].int32))
    }
    scalar("pg_reload_conf") { call in Datum(call.context.environment.reloadConfiguration()) }
    scalar("pg_is_in_recovery", "pg_jit_available") { _ in Datum(false) }
    scalar("pg_trigger_depth") { _ in Datum(Int32(0)) }
    addAdvisoryLocks()
  }

  // MARK: Advisory locks

  private mutating func addAdvisoryLocks() {
    scalar("pg_advisory_unlock_all") { call in
      call.context.session.unlockAdvisoryLocks()
      return Datum(word: 0)
    }
    for (suffix, mode) in [("", LockMode.exclusive), ("_shared", LockMode.share)] {
      for width in ["int8", "int4"] {
        session("pg_advisory_lock\(suffix)_\(width)") { (call) throws(SQLError) in
          _ = try call.lock(mode, .wait, isForSession: true)
          return Datum(word: 0)
        }
        session("pg_advisory_xact_lock\(suffix)_\(width)") { (call) throws(SQLError) in
          _ = try call.lock(mode, .wait, isForSession: false)
          return Datum(word: 0)
        }
        session("pg_try_advisory_lock\(suffix)_\(width)") { (call) throws(SQLError) in
          Datum(try call.lock(mode, .noWait, isForSession: true))
        }
        session("pg_try_advisory_xact_lock\(suffix)_\(width)") { (call) throws(SQLError) in
          Datum(try call.lock(mode, .noWait, isForSession: false))
        }
        session("pg_advisory_unlock\(suffix)_\(width)") { (call) throws(SQLError) in
          let isHeld = call.context.session.unlock(call.lockTag, mode, isForSession: true)
          if !isHeld {
            call.context.environment.notice(
              "WARNING", SQLError(SQLState("01000"), "you don't own a lock of type \(mode.description)"))
          }
          return Datum(isHeld)
        }
      }
    }
  }
}

extension CallFrame {
  /// Runs what may fail in the engine's words.
  @inline(__always) func engine<Result>(_ body: () throws(EngineError) -> Result) throws(SQLError) -> Result {
    do throws(EngineError) { return try body() } catch { throw SQLError(error) }
  }

  fileprivate var lockTag: LockTag {
    let database = catalog.catalog.databaseID
    return count == 2
      ? .advisory(self[0].int32, self[1].int32, database: database) : .advisory(self[0].int64, database: database)
  }

  fileprivate func lock(
    _ mode: LockMode, _ policy: LockWaitPolicy, isForSession: Bool
  ) throws(SQLError) -> Bool {
    try engine { () throws(EngineError) in
      try context.session.lock(lockTag, mode, policy, isForSession: isForSession)
    }
  }
}

/// Schemas of the search path that nobody has written into it.
enum SchemaNames {
  static func isImplicit(_ oid: UInt32, _ catalog: SessionCatalog) -> Bool {
    let pgCatalog: UInt32 = 11
    if oid == pgCatalog { return !catalog.searchPath.contains("pg_catalog") }
    return (try? catalog.namespaceName(oid))?.map { $0.hasPrefix("pg_temp") && !catalog.searchPath.contains("pg_temp") }
      ?? false
  }
}
