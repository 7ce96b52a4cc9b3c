// The keys of all settings, by the type of their values. Integers are in the unit that the comment names.

extension SettingKey where Value == IOMethodSetting {
  public static var ioMethod: Self { Self("io_method") }
}

extension SettingKey where Value == IODirectSetting {
  public static var ioDirect: Self { Self("io_direct") }
}

extension SettingKey where Value == Int {
  public static var ioMaxConcurrency: Self { Self("io_max_concurrency") }
  /// In blocks.
  public static var ioCombineLimit: Self { Self("io_combine_limit") }
  /// In blocks.
  public static var ioMaxCombineLimit: Self { Self("io_max_combine_limit") }
  public static var effectiveIOConcurrency: Self { Self("effective_io_concurrency") }
  public static var maintenanceIOConcurrency: Self { Self("maintenance_io_concurrency") }
  public static var ioWorkers: Self { Self("io_workers") }
  public static var ioMinWorkers: Self { Self("io_min_workers") }
  public static var ioMaxWorkers: Self { Self("io_max_workers") }
  /// In milliseconds.
  public static var ioWorkerIdleTimeout: Self { Self("io_worker_idle_timeout") }
  /// In milliseconds.
  public static var ioWorkerLaunchInterval: Self { Self("io_worker_launch_interval") }
  public static var ioWorkerQueueSize: Self { Self("io_worker_queue_size") }
  /// In blocks.
  public static var sharedBuffers: Self { Self("shared_buffers") }
  /// In blocks.
  public static var tempBuffers: Self { Self("temp_buffers") }
  /// In kilobytes.
  public static var vacuumBufferUsageLimit: Self { Self("vacuum_buffer_usage_limit") }
  public static var maxFilesPerProcess: Self { Self("max_files_per_process") }
  /// In blocks.
  public static var segmentSize: Self { Self("segment_size") }
  /// In blocks.
  public static var backendFlushAfter: Self { Self("backend_flush_after") }
  /// In blocks.
  public static var bgwriterFlushAfter: Self { Self("bgwriter_flush_after") }
  /// In blocks.
  public static var checkpointFlushAfter: Self { Self("checkpoint_flush_after") }
  /// In milliseconds.
  public static var bgwriterDelay: Self { Self("bgwriter_delay") }
  public static var bgwriterLruMaxpages: Self { Self("bgwriter_lru_maxpages") }
  /// In seconds.
  public static var checkpointTimeout: Self { Self("checkpoint_timeout") }
  /// In seconds.
  public static var checkpointWarning: Self { Self("checkpoint_warning") }
  /// In megabytes.
  public static var maxWALSize: Self { Self("max_wal_size") }
  /// In megabytes.
  public static var minWALSize: Self { Self("min_wal_size") }
  /// In blocks.
  public static var walBuffers: Self { Self("wal_buffers") }
  /// In milliseconds.
  public static var walWriterDelay: Self { Self("wal_writer_delay") }
  /// In blocks.
  public static var walWriterFlushAfter: Self { Self("wal_writer_flush_after") }
  /// In microseconds.
  public static var commitDelay: Self { Self("commit_delay") }
  public static var commitSiblings: Self { Self("commit_siblings") }
  /// In kilobytes.
  public static var walSkipThreshold: Self { Self("wal_skip_threshold") }
  public static var ioWALConcurrency: Self { Self("io_wal_concurrency") }
  /// In blocks.
  public static var ioWALTargetBlocks: Self { Self("io_wal_target_blocks") }
  /// In bytes.
  public static var walDecodeBufferSize: Self { Self("wal_decode_buffer_size") }
}

extension SettingKey where Value == Double {
  public static var bgwriterLruMultiplier: Self { Self("bgwriter_lru_multiplier") }
  public static var checkpointCompletionTarget: Self { Self("checkpoint_completion_target") }
}

extension SettingKey where Value == Bool {
  public static var fsync: Self { Self("fsync") }
  public static var fullPageWrites: Self { Self("full_page_writes") }
  public static var walInitZero: Self { Self("wal_init_zero") }
  public static var walRecycle: Self { Self("wal_recycle") }
  public static var ioWALPadPartial: Self { Self("io_wal_pad_partial") }
  public static var zeroDamagedPages: Self { Self("zero_damaged_pages") }
  public static var ignoreChecksumFailure: Self { Self("ignore_checksum_failure") }
  public static var dataSyncRetry: Self { Self("data_sync_retry") }
  public static var trackIOTiming: Self { Self("track_io_timing") }
  public static var trackWALIOTiming: Self { Self("track_wal_io_timing") }
  public static var autoExplainLogIO: Self { Self("auto_explain.log_io") }
  public static var ioDataForceAsync: Self { Self("io_data_force_async") }
}

extension SettingKey where Value == HugePagesSetting {
  public static var hugePages: Self { Self("huge_pages") }
}

extension SettingKey where Value == SharedMemoryTypeSetting {
  public static var sharedMemoryType: Self { Self("shared_memory_type") }
}

extension SettingKey where Value == FileExtendMethodSetting {
  public static var fileExtendMethod: Self { Self("file_extend_method") }
}

extension SettingKey where Value == FileCopyMethodSetting {
  public static var fileCopyMethod: Self { Self("file_copy_method") }
}

extension SettingKey where Value == WALSyncMethodSetting {
  public static var walSyncMethod: Self { Self("wal_sync_method") }
}

extension SettingKey where Value == SynchronousCommitSetting {
  public static var synchronousCommit: Self { Self("synchronous_commit") }
}

extension SettingKey where Value == RecoveryPrefetchSetting {
  public static var recoveryPrefetch: Self { Self("recovery_prefetch") }
}

// MARK: Connections and replication

extension SettingKey where Value == String {
  public static var listenAddresses: Self { Self("listen_addresses") }
  public static var unixSocketDirectories: Self { Self("unix_socket_directories") }
  public static var sslCertFile: Self { Self("ssl_cert_file") }
  public static var sslKeyFile: Self { Self("ssl_key_file") }
}

extension SettingKey where Value == TLSVersionSetting {
  public static var sslMinProtocolVersion: Self { Self("ssl_min_protocol_version") }
}

extension SettingKey where Value == TLSVersionLimitSetting {
  public static var sslMaxProtocolVersion: Self { Self("ssl_max_protocol_version") }
}

extension SettingKey where Value == Bool {
  public static var ssl: Self { Self("ssl") }
}

extension SettingKey where Value == Int {
  public static var port: Self { Self("port") }
  public static var maxConnections: Self { Self("max_connections") }
  public static var superuserReservedConnections: Self { Self("superuser_reserved_connections") }
  public static var reservedConnections: Self { Self("reserved_connections") }
  /// In seconds.
  public static var authenticationTimeout: Self { Self("authentication_timeout") }
  /// In seconds.
  public static var tcpKeepalivesIdle: Self { Self("tcp_keepalives_idle") }
  /// In seconds.
  public static var tcpKeepalivesInterval: Self { Self("tcp_keepalives_interval") }
  public static var tcpKeepalivesCount: Self { Self("tcp_keepalives_count") }
  /// In milliseconds.
  public static var tcpUserTimeout: Self { Self("tcp_user_timeout") }
  /// In milliseconds.
  public static var clientConnectionCheckInterval: Self { Self("client_connection_check_interval") }
  /// In milliseconds.
  public static var idleSessionTimeout: Self { Self("idle_session_timeout") }
  /// In milliseconds.
  public static var idleInTransactionSessionTimeout: Self { Self("idle_in_transaction_session_timeout") }
  public static var maxWALSenders: Self { Self("max_wal_senders") }
  public static var maxReplicationSlots: Self { Self("max_replication_slots") }
  /// In milliseconds.
  public static var walSenderTimeout: Self { Self("wal_sender_timeout") }
  /// In megabytes.
  public static var walKeepSize: Self { Self("wal_keep_size") }
  /// In megabytes.
  public static var maxSlotWALKeepSize: Self { Self("max_slot_wal_keep_size") }
}
