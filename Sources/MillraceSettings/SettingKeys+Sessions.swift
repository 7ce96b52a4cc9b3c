// The keys of settings of statements and sessions, by the type of their values. Integers are in the unit that the
// comment names.

// MARK: Statements and sessions

extension SettingKey where Value == Int {
  /// In kilobytes.
  public static var workMem: Self { Self("work_mem") }
  /// In kilobytes.
  public static var maintenanceWorkMem: Self { Self("maintenance_work_mem") }
  /// In milliseconds.
  public static var statementTimeout: Self { Self("statement_timeout") }
  /// In milliseconds.
  public static var lockTimeout: Self { Self("lock_timeout") }
  /// In milliseconds.
  public static var deadlockTimeout: Self { Self("deadlock_timeout") }
  /// In milliseconds.
  public static var transactionTimeout: Self { Self("transaction_timeout") }
  /// In kilobytes.
  public static var maxStackDepth: Self { Self("max_stack_depth") }
  /// In blocks.
  public static var effectiveCacheSize: Self { Self("effective_cache_size") }
  public static var defaultStatisticsTarget: Self { Self("default_statistics_target") }
  public static var fromCollapseLimit: Self { Self("from_collapse_limit") }
  public static var joinCollapseLimit: Self { Self("join_collapse_limit") }
  public static var extraFloatDigits: Self { Self("extra_float_digits") }
  public static var scramIterations: Self { Self("scram_iterations") }
  public static var vacuumFreezeMinAge: Self { Self("vacuum_freeze_min_age") }
  public static var vacuumFreezeTableAge: Self { Self("vacuum_freeze_table_age") }
  public static var vacuumMultixactFreezeMinAge: Self { Self("vacuum_multixact_freeze_min_age") }
  public static var vacuumMultixactFreezeTableAge: Self { Self("vacuum_multixact_freeze_table_age") }
  public static var vacuumCostLimit: Self { Self("vacuum_cost_limit") }
  public static var vacuumCostPageHit: Self { Self("vacuum_cost_page_hit") }
  public static var vacuumCostPageMiss: Self { Self("vacuum_cost_page_miss") }
  public static var vacuumCostPageDirty: Self { Self("vacuum_cost_page_dirty") }
  /// In seconds.
  public static var autovacuumNaptime: Self { Self("autovacuum_naptime") }
  public static var autovacuumMaxWorkers: Self { Self("autovacuum_max_workers") }
  public static var autovacuumVacuumThreshold: Self { Self("autovacuum_vacuum_threshold") }
  public static var autovacuumVacuumInsertThreshold: Self { Self("autovacuum_vacuum_insert_threshold") }
  public static var autovacuumAnalyzeThreshold: Self { Self("autovacuum_analyze_threshold") }
  public static var autovacuumFreezeMaxAge: Self { Self("autovacuum_freeze_max_age") }
  public static var autovacuumVacuumCostLimit: Self { Self("autovacuum_vacuum_cost_limit") }
  /// In kilobytes.
  public static var autovacuumWorkMem: Self { Self("autovacuum_work_mem") }
}

extension SettingKey where Value == Double {
  public static var seqPageCost: Self { Self("seq_page_cost") }
  public static var randomPageCost: Self { Self("random_page_cost") }
  public static var cpuTupleCost: Self { Self("cpu_tuple_cost") }
  public static var cpuIndexTupleCost: Self { Self("cpu_index_tuple_cost") }
  public static var cpuOperatorCost: Self { Self("cpu_operator_cost") }
  public static var cursorTupleFraction: Self { Self("cursor_tuple_fraction") }
  public static var hashMemMultiplier: Self { Self("hash_mem_multiplier") }
  public static var vacuumCostDelay: Self { Self("vacuum_cost_delay") }
  public static var autovacuumVacuumScaleFactor: Self { Self("autovacuum_vacuum_scale_factor") }
  public static var autovacuumVacuumInsertScaleFactor: Self { Self("autovacuum_vacuum_insert_scale_factor") }
  public static var autovacuumAnalyzeScaleFactor: Self { Self("autovacuum_analyze_scale_factor") }
  public static var autovacuumVacuumCostDelay: Self { Self("autovacuum_vacuum_cost_delay") }
}

extension SettingKey where Value == Bool {
  public static var enableBitmapscan: Self { Self("enable_bitmapscan") }
  public static var enableHashagg: Self { Self("enable_hashagg") }
  public static var enableHashjoin: Self { Self("enable_hashjoin") }
  public static var enableIncrementalSort: Self { Self("enable_incremental_sort") }
  public static var enableIndexonlyscan: Self { Self("enable_indexonlyscan") }
  public static var enableIndexscan: Self { Self("enable_indexscan") }
  public static var enableMaterial: Self { Self("enable_material") }
  public static var enableMemoize: Self { Self("enable_memoize") }
  public static var enableMergejoin: Self { Self("enable_mergejoin") }
  public static var enableNestloop: Self { Self("enable_nestloop") }
  public static var enableSeqscan: Self { Self("enable_seqscan") }
  public static var enableSort: Self { Self("enable_sort") }
  public static var enableTidscan: Self { Self("enable_tidscan") }
  public static var synchronizeSeqscans: Self { Self("synchronize_seqscans") }
  public static var defaultTransactionReadOnly: Self { Self("default_transaction_read_only") }
  public static var defaultTransactionDeferrable: Self { Self("default_transaction_deferrable") }
  public static var standardConformingStrings: Self { Self("standard_conforming_strings") }
  public static var transformNullEquals: Self { Self("transform_null_equals") }
  public static var autovacuum: Self { Self("autovacuum") }
  public static var vacuumTruncate: Self { Self("vacuum_truncate") }
}

extension SettingKey where Value == String {
  public static var searchPath: Self { Self("search_path") }
  public static var applicationName: Self { Self("application_name") }
  public static var clientEncoding: Self { Self("client_encoding") }
  public static var clientMinMessages: Self { Self("client_min_messages") }
  public static var defaultTransactionIsolation: Self { Self("default_transaction_isolation") }
  public static var planCacheMode: Self { Self("plan_cache_mode") }
  public static var byteaOutput: Self { Self("bytea_output") }
  public static var defaultToastCompression: Self { Self("default_toast_compression") }
  public static var dateStyle: Self { Self("DateStyle") }
  public static var intervalStyle: Self { Self("IntervalStyle") }
  public static var timeZone: Self { Self("TimeZone") }
}
