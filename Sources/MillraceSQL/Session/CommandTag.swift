/// What psql shows when a statement is done (PostgreSQL's tcop/cmdtag.c).
enum CommandTag {
  static func select(_ count: UInt64) -> String { "SELECT \(count)" }
  static func insert(_ count: UInt64) -> String { "INSERT 0 \(count)" }

  static func of(_ command: Query.Command, _ count: UInt64) -> String {
    switch command {
    case .select: "SELECT \(count)"
    case .insert: "INSERT 0 \(count)"
    case .update: "UPDATE \(count)"
    case .delete: "DELETE \(count)"
    }
  }

  /// Of statements whose tag does not depend on what they did.
  static func of(_ statement: Statement) -> String {
    switch statement {
    case .select: "SELECT"
    case .insert: "INSERT"
    case .update: "UPDATE"
    case .delete: "DELETE"
    case .createTable: "CREATE TABLE"
    case .alterTable(let statement): "ALTER \(words(statement.kind))"
    case .createIndex: "CREATE INDEX"
    case .createSequence: "CREATE SEQUENCE"
    case .alterSequence: "ALTER SEQUENCE"
    case .createView: "CREATE VIEW"
    case .createTableAs: "CREATE TABLE AS"
    case .drop(let statement): "DROP \(words(statement.kind))"
    case .truncate: "TRUNCATE TABLE"
    case .rename(let statement): words(statement.target)
    case .setSchema(let statement): "ALTER \(words(statement.kind))"
    case .comment: "COMMENT"
    case .reindex: "REINDEX"
    case .vacuum(let statement): statement.isVacuum ? "VACUUM" : "ANALYZE"
    case .checkpoint: "CHECKPOINT"
    case .unlisten: "UNLISTEN"
    case .lock: "LOCK TABLE"
    case .explain: "EXPLAIN"
    case .copy: "COPY"
    default: ofSession(statement) ?? ofCluster(statement)
    }
  }

  private static func ofSession(_ statement: Statement) -> String? {
    switch statement {
    case .transaction(let statement): words(statement.kind)
    case .set(let statement): isReset(statement) ? "RESET" : "SET"
    case .show: "SHOW"
    case .alterSystem: "ALTER SYSTEM"
    case .discard(let target):
      switch target {
      case .all: "DISCARD ALL"
      case .plans: "DISCARD PLANS"
      case .sequences: "DISCARD SEQUENCES"
      case .temporary: "DISCARD TEMP"
      }
    case .setConstraints: "SET CONSTRAINTS"
    case .prepare: "PREPARE"
    case .execute: "EXECUTE"
    case .deallocate(let statement): statement.name == nil ? "DEALLOCATE ALL" : "DEALLOCATE"
    case .declareCursor: "DECLARE CURSOR"
    case .fetch(let statement): statement.isMove ? "MOVE" : "FETCH"
    case .close(let statement): statement.cursor == nil ? "CLOSE CURSOR ALL" : "CLOSE CURSOR"
    default: nil
    }
  }

  private static func ofCluster(_ statement: Statement) -> String {
    switch statement {
    case .createSchema: "CREATE SCHEMA"
    case .createDatabase: "CREATE DATABASE"
    case .alterDatabase, .alterDatabaseSet: "ALTER DATABASE"
    case .dropDatabase: "DROP DATABASE"
    case .alterOwner(let statement):
      if case .schema = statement.target { "ALTER SCHEMA" } else { "ALTER DATABASE" }
    case .grant(let statement): statement.isGrant ? "GRANT" : "REVOKE"
    case .grantRole(let statement): statement.isGrant ? "GRANT ROLE" : "REVOKE ROLE"
    case .createRole: "CREATE ROLE"
    case .alterRole, .alterRoleSet: "ALTER ROLE"
    case .dropRole: "DROP ROLE"
    default: ""
    }
  }

  private static func isReset(_ statement: VariableSetStatement) -> Bool {
    switch statement.action {
    case .reset, .resetAll: true
    default: false
    }
  }

  private static func words(_ kind: TransactionStatement.Kind) -> String {
    switch kind {
    case .begin: "BEGIN"
    case .start: "START TRANSACTION"
    case .commit: "COMMIT"
    case .rollback, .rollbackTo: "ROLLBACK"
    case .savepoint: "SAVEPOINT"
    case .release: "RELEASE"
    case .prepare: "PREPARE TRANSACTION"
    case .commitPrepared: "COMMIT PREPARED"
    case .rollbackPrepared: "ROLLBACK PREPARED"
    }
  }

  private static func words(_ kind: AlterTableStatement.Kind) -> String {
    switch kind {
    case .table: "TABLE"
    case .index: "INDEX"
    case .sequence: "SEQUENCE"
    case .view: "VIEW"
    }
  }

  private static func words(_ kind: DropStatement.Kind) -> String {
    switch kind {
    case .table: "TABLE"
    case .index: "INDEX"
    case .sequence: "SEQUENCE"
    case .view: "VIEW"
    case .schema: "SCHEMA"
    }
  }

  private static func words(_ target: RenameStatement.Target) -> String {
    switch target {
    case .relation(let kind, _), .column(let kind, _, _, _): "ALTER \(words(kind))"
    case .constraint: "ALTER TABLE"
    case .schema: "ALTER SCHEMA"
    case .database: "ALTER DATABASE"
    case .role: "ALTER ROLE"
    }
  }
}
