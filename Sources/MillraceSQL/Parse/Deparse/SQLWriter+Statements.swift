extension SQLWriter {
  mutating func statement(_ statement: Statement) {
    switch statement {
    case .select(let select): self.select(select)
    case .insert(let insert): self.insert(insert)
    case .update(let update): self.update(update)
    case .delete(let delete): self.delete(delete)
    case .transaction(let transaction): self.transaction(transaction)
    case .set(let set): self.set(set)
    case .show(let show):
      write("SHOW ")
      if show.name == "all" { write("ALL") } else { settingName(show.name) }
    case .alterSystem(let alter):
      write("ALTER SYSTEM ")
      set(alter.set)
    case .discard(let target):
      write("DISCARD ")
      write(target == .all ? "ALL" : target == .plans ? "PLANS" : target == .sequences ? "SEQUENCES" : "TEMP")
    case .setConstraints(let set):
      write("SET CONSTRAINTS ")
      if set.constraints.isEmpty { write("ALL") }
      separated(set.constraints) { $0.relation($1) }
      write(set.isDeferred ? " DEFERRED" : " IMMEDIATE")
    case .lock(let lock): self.lock(lock)
    case .prepare(let prepare):
      write("PREPARE \(Keyword.quoted(prepare.name)) ")
      if !prepare.argumentTypes.isEmpty { list(prepare.argumentTypes) { $0.type($1) } }
      write(" AS ")
      self.statement(prepare.query)
    case .execute(let execute):
      write("EXECUTE \(Keyword.quoted(execute.name))")
      if !execute.arguments.isEmpty { list(execute.arguments) { $0.expression($1) } }
    case .deallocate(let deallocate):
      write("DEALLOCATE ")
      if let name = deallocate.name { write(Keyword.quotedUnlessNoKeyword(name)) } else { write("ALL") }
    case .declareCursor(let declare): declareCursor(declare)
    case .fetch(let fetch): self.fetch(fetch)
    case .close(let close):
      write("CLOSE ")
      if let cursor = close.cursor { identifier(cursor) } else { write("ALL") }
    case .copy(let copy): self.copy(copy)
    case .explain(let explain):
      write("EXPLAIN")
      utilityOptions(explain.options)
      write(" ")
      self.statement(explain.query)
    case .vacuum(let vacuum): self.vacuum(vacuum)
    case .checkpoint: write("CHECKPOINT")
    case .unlisten(let channel): write("UNLISTEN \(channel.map { Keyword.quoted($0) } ?? "*")")
    default: definition(statement)
    }
  }

  private mutating func definition(_ statement: Statement) {
    switch statement {
    case .createTable(let create): createTable(create)
    case .alterTable(let alter): alterTable(alter)
    case .createIndex(let create): createIndex(create)
    case .createSequence(let create): createSequence(create)
    case .alterSequence(let alter): alterSequence(alter)
    case .createView(let create): createView(create)
    case .createTableAs(let create): createTableAs(create)
    case .drop(let drop): self.drop(drop)
    case .truncate(let truncate): self.truncate(truncate)
    case .rename(let rename): self.rename(rename)
    case .setSchema(let set): setSchema(set)
    case .comment(let comment): self.comment(comment)
    case .reindex(let reindex): self.reindex(reindex)
    case .createSchema(let create): createSchema(create)
    case .createDatabase(let create): database("CREATE", create.name, create.options)
    case .alterDatabase(let alter): database("ALTER", alter.name, alter.options)
    case .alterDatabaseSet(let alter):
      write("ALTER DATABASE \(Keyword.quoted(alter.name)) ")
      set(alter.set)
    case .dropDatabase(let drop): dropDatabase(drop)
    case .alterOwner(let alter): alterOwner(alter)
    case .grant(let grant): self.grant(grant)
    case .grantRole(let grant): grantRole(grant)
    case .createRole(let create): createRole(create)
    case .alterRole(let alter): alterRole(alter)
    case .alterRoleSet(let alter): alterRoleSet(alter)
    case .dropRole(let drop):
      write("DROP ROLE ")
      write("IF EXISTS ", if: drop.ifExists)
      separated(drop.roles) { $0.role($1) }
    default: preconditionFailure("a statement that defines nothing")
    }
  }

  // MARK: - Transactions and settings

  private mutating func transaction(_ transaction: TransactionStatement) {
    switch transaction.kind {
    case .begin: write("BEGIN")
    case .start: write("START TRANSACTION")
    case .commit(let isChained): write(isChained ? "COMMIT AND CHAIN" : "COMMIT")
    case .rollback(let isChained): write(isChained ? "ROLLBACK AND CHAIN" : "ROLLBACK")
    case .savepoint(let name): write("SAVEPOINT \(Keyword.quoted(name))")
    case .release(let name): write("RELEASE SAVEPOINT \(Keyword.quoted(name))")
    case .rollbackTo(let name): write("ROLLBACK TO SAVEPOINT \(Keyword.quoted(name))")
    case .prepare(let name): write("PREPARE TRANSACTION \(Deparser.quoted(literal: name))")
    case .commitPrepared(let name): write("COMMIT PREPARED \(Deparser.quoted(literal: name))")
    case .rollbackPrepared(let name): write("ROLLBACK PREPARED \(Deparser.quoted(literal: name))")
    }
    modes(transaction.modes)
  }

  private mutating func modes(_ modes: [DefinitionElement]) {
    for (index, mode) in modes.enumerated() {
      write(index > 0 ? ", " : " ")
      switch (mode.name, mode.value) {
      case ("transaction_isolation", .string(let level)?): write("ISOLATION LEVEL \(level.uppercased())")
      case ("transaction_read_only", .integer(let value)?): write(value == 0 ? "READ WRITE" : "READ ONLY")
      case ("transaction_deferrable", .integer(let value)?): write(value == 0 ? "NOT DEFERRABLE" : "DEFERRABLE")
      default: write(mode.name)
      }
    }
  }

  /// SET and RESET, alone or inside of ALTER.
  mutating func set(_ set: VariableSetStatement) {
    switch set.action {
    case .reset: write("RESET ")
    case .resetAll: write("RESET ALL")
    default: write(set.isLocal ? "SET LOCAL " : "SET ")
    }
    switch (set.name, set.action) {
    case (let name?, .modes(let modes)):
      write(name == "TRANSACTION" ? name : "SESSION CHARACTERISTICS AS TRANSACTION")
      self.modes(modes)
    case (_, .snapshot(let snapshot)): write("TRANSACTION SNAPSHOT \(Deparser.quoted(literal: snapshot))")
    case (let name?, .value(let values)):
      if case .interval(let cast)? = values.first {
        write("TIME ZONE ")
        return intervalConstant(cast)
      }
      settingName(name)
      write(" TO ")
      separated(values) { $0.settingValue($1) }
    case (let name?, .toDefault):
      settingName(name)
      write(" TO DEFAULT")
    case (let name?, .fromCurrent):
      settingName(name)
      write(" FROM CURRENT")
    case (let name?, .reset): settingName(name)
    default: break
    }
  }

  /// Names with dots in them are written as such, so each part is looked at by itself.
  mutating func settingName(_ name: String) {
    separated(name.split(separator: ".", omittingEmptySubsequences: false).map(String.init), by: ".") {
      $0.write(Keyword.quotedUnlessNoKeyword($1))
    }
  }

  private mutating func settingValue(_ value: SettingValue) {
    switch value {
    case .integer(let number): write("\(number)")
    case .float(let digits): write(digits)
    case .string(let string): literal(string)
    case .interval(let cast): intervalConstant(cast)
    }
  }

  // MARK: - Locks, cursors, copies, maintenance

  private mutating func lock(_ lock: LockStatement) {
    write("LOCK TABLE ")
    separated(lock.relations) { $0.relation($1) }
    let names = [
      "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE",
      "EXCLUSIVE", "ACCESS EXCLUSIVE",
    ]
    write(" IN \(names[Int(lock.mode.rawValue) - 1]) MODE")
    write(" NOWAIT", if: lock.noWait)
  }

  private mutating func declareCursor(_ declare: DeclareCursorStatement) {
    write("DECLARE \(Keyword.quoted(declare.name)) ")
    let names: [(DeclareCursorStatement.Options, String)] = [
      (.binary, "BINARY "), (.insensitive, "INSENSITIVE "), (.asensitive, "ASENSITIVE "), (.scroll, "SCROLL "),
      (.noScroll, "NO SCROLL "),
    ]
    for (option, name) in names where declare.options.contains(option) { write(name) }
    write(declare.options.contains(.hold) ? "CURSOR WITH HOLD FOR " : "CURSOR FOR ")
    select(declare.query)
  }

  private mutating func fetch(_ fetch: FetchStatement) {
    write(fetch.isMove ? "MOVE " : "FETCH ")
    switch fetch.direction {
    case .forward: write("FORWARD ")
    case .backward: write("BACKWARD ")
    case .absolute: write("ABSOLUTE ")
    case .relative: write("RELATIVE ")
    }
    write(fetch.count == .max ? "ALL" : "\(fetch.count)")
    clause("FROM", identifier: fetch.cursor)
  }

  private mutating func copy(_ copy: CopyStatement) {
    write("COPY ")
    switch copy.source {
    case .relation(let relation, let columns):
      self.relation(relation)
      self.columns(columns)
    case .query(let query):
      write("(")
      statement(query)
      write(")")
    }
    write(copy.isFrom ? " FROM " : " TO ")
    write("PROGRAM ", if: copy.isProgram)
    if let fileName = copy.fileName { literal(fileName) } else { write(copy.isFrom ? "STDIN" : "STDOUT") }
    if !copy.options.isEmpty { write(" WITH") }
    utilityOptions(copy.options)
    clause("WHERE", copy.condition)
  }

  private mutating func vacuum(_ vacuum: VacuumStatement) {
    write(vacuum.isVacuum ? "VACUUM" : "ANALYZE")
    utilityOptions(vacuum.options)
    write(vacuum.relations.isEmpty ? "" : " ")
    separated(vacuum.relations) { writer, target in
      writer.relation(target.relation)
      writer.columns(target.columns)
    }
  }
}
