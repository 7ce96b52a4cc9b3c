extension SettingsCatalog {
  /// How a session's statements are understood, run, and answered.
  static let sessions: [SettingDefinition] = statements + transactions + formats + names + clientCompatibility

  private static let statements: [SettingDefinition] = [
    .integer(
      "statement_timeout", .milliseconds, default: 0, in: 0...integerMax, .session,
      "Sets after which time a statement is ended; 0 lets it run."),
    .integer(
      "lock_timeout", .milliseconds, default: 0, in: 0...integerMax, .session,
      "Sets how long a statement waits for a lock; 0 for any time."),
    .integer(
      "deadlock_timeout", .milliseconds, default: 1000, in: 1...integerMax, .superuser,
      "Sets how long a lock is waited for before a look for deadlocks."),
    .integer(
      "work_mem", .kilobytes, default: 4096, in: 64...integerMax, .session,
      "Sets how much memory a sort or a hash table takes before it goes on in files."),
    .integer(
      "maintenance_work_mem", .kilobytes, default: 65_536, in: 64...integerMax, .session,
      "Sets how much memory VACUUM, CREATE INDEX and their like take."),
    .real(
      "hash_mem_multiplier", default: 2, in: 1...1000, .session,
      "Sets how many times work_mem a hash table takes."),
    .integer(
      "max_stack_depth", .kilobytes, default: 2048, in: 100...integerMax, .superuser,
      "Sets how deeply statements may be nested, by the stack that it takes."),
    .words(
      "client_min_messages", default: "notice",
      ["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"],
      synonyms: ["debug": "debug2", "info": "notice", "fatal": "error", "panic": "error"], .session,
      "Sets which messages a client gets, those that matter more included."),
  ]

  private static let isolationLevels = ["serializable", "repeatable read", "read committed", "read uncommitted"]

  private static let transactions: [SettingDefinition] = [
    .words(
      "default_transaction_isolation", default: "read committed", isolationLevels, .session,
      "Sets the isolation level of new transactions."),
    .bool(
      "default_transaction_read_only", default: false, .session, "Makes new transactions ones that change nothing."),
    .bool("default_transaction_deferrable", default: false, .session, "Makes new transactions deferrable ones."),
    .words(
      "transaction_isolation", default: "read committed", isolationLevels, .session,
      "Sets the isolation level of the running transaction."),
    .bool("transaction_read_only", default: false, .session, "Makes the running transaction one that changes nothing."),
    .bool("transaction_deferrable", default: false, .session, "Makes the running transaction a deferrable one."),
    .integer(
      "transaction_timeout", .milliseconds, default: 0, in: 0...integerMax, .session,
      "Sets after which time a transaction is ended; 0 lets it run."),
  ]

  private static let formats: [SettingDefinition] = [
    .string("DateStyle", default: "ISO, MDY", .session, "Sets how dates are written, and read where that is unclear."),
    .words(
      "IntervalStyle", default: "postgres", ["postgres", "postgres_verbose", "sql_standard", "iso_8601"], .session,
      "Sets how intervals are written."),
    .string("TimeZone", default: "GMT", .session, "Sets the time zone in which times are shown and read."),
    .integer(
      "extra_float_digits", default: 1, in: -15...3, .session,
      "Sets how floating-point numbers are written: above 0 so that they read back as the same."),
    .words("bytea_output", default: "hex", ["escape", "hex"], .session, "Sets how values of type bytea are written."),
    .words(
      "default_toast_compression", default: "pglz", ["pglz", "lz4"], .session,
      "Selects how values that are too long are compressed."),
    .string("client_encoding", default: "UTF8", .session, "Sets the encoding of the client; there is only UTF8."),
    .bool(
      "standard_conforming_strings", default: true, .session, "Takes a backslash in a literal for just a character."),
    .bool(
      "escape_string_warning", default: true, .session, "Warns of backslashes in literals that have no E in front."),
    .words(
      "backslash_quote", default: "safe_encoding", ["safe_encoding", "on", "off"],
      synonyms: ["true": "on", "yes": "on", "1": "on", "false": "off", "no": "off", "0": "off"], .session,
      "Selects whether \\' is allowed in literals."),
    .bool("array_nulls", default: true, .session, "Takes NULL in an array's text for a null."),
    .bool("transform_null_equals", default: false, .session, "Takes x = NULL for x IS NULL."),
    .bool("quote_all_identifiers", default: false, .session, "Quotes all names in statements that the server makes."),
    .string("lc_messages", default: "", .superuser, "Sets the language of messages; there is only one."),
    .string("lc_monetary", default: "C", .session, "Sets how amounts of money are written."),
    .string("lc_numeric", default: "C", .session, "Sets how numbers are written by patterns."),
    .string("lc_time", default: "C", .session, "Sets how names of days and months are written by patterns."),
  ]

  private static let names: [SettingDefinition] = [
    .string("search_path", default: "\"$user\", public", .session, "Lists the schemas in which names are looked up."),
    .string("application_name", default: "", .session, "Names the program that has the session."),
    .string("role", default: "none", .session, "Sets the role whose rights a session has."),
    .string("session_authorization", default: "", .session, "Sets the role that a session began with."),
  ]

  /// What clients set without looking whether it means anything.
  private static let clientCompatibility: [SettingDefinition] = [
    .string(
      "default_table_access_method", default: "heap", .session, "Selects how tables are stored; there is only heap."),
    .string("default_tablespace", default: "", .session, "Selects where tables are stored; there is one place."),
    .string("temp_tablespaces", default: "", .session, "Selects where temporary files are; there is one place."),
    .bool("check_function_bodies", default: true, .session, "Is there for clients that set it."),
    .bool("row_security", default: true, .session, "Is there for clients that set it; no table has row security."),
    .words("xmloption", default: "content", ["content", "document"], .session, "Is there for clients that set it."),
    .words(
      "session_replication_role", default: "origin", ["origin", "replica", "local"], .superuser,
      "Is there for clients that set it; there are no triggers."),
    .words(
      "password_encryption", default: "scram-sha-256", ["md5", "scram-sha-256"],
      refusals: ["md5": "Passwords are kept as SCRAM-SHA-256 verifiers only."], .session,
      "Selects how passwords are kept; there is only one way."),
    .integer(
      "scram_iterations", default: 4096, in: 1...integerMax, .session,
      "Sets how expensive it is to try out passwords."),
  ]
}
