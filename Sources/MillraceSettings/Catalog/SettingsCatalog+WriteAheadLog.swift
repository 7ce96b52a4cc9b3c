extension SettingsCatalog {
  /// The write-ahead log: memory, durability, pacing, and its asynchronous writing.
  static let writeAheadLog: [SettingDefinition] = [
    .enumeration(
      "wal_sync_method", default: WALSyncMethodSetting.platformDefault, .reload,
      "Selects the call that makes WAL durable."),
    .enumeration(
      "synchronous_commit", default: SynchronousCommitSetting.on, .session, "Sets what a commit waits for."),
    .bool("fsync", default: true, .reload, "Makes sure that what has been written survives a crash of the system."),
    .bool(
      "full_page_writes", default: true, .reload,
      "Logs a page as a whole when it first changes after a checkpoint, so that a torn write can be repaired."),
    .bool("wal_init_zero", default: true, .superuser, "Fills new WAL segments with zeroes before their first use."),
    .bool("wal_recycle", default: true, .superuser, "Renames old WAL segments for reuse instead of removing them."),
    .integer(
      "wal_buffers", .blocks, default: -1, in: -1...integerMax / SettingUnit.blockSize, .restart,
      "Sets the memory for WAL that is not yet written; -1 takes a thirty-second of shared_buffers."),
    .integer(
      "wal_writer_delay", .milliseconds, default: 200, in: 1...10_000, .reload,
      "Sets the time between two rounds of the WAL writer."),
    .integer(
      "wal_writer_flush_after", .blocks, default: 128, in: 0...integerMax, .reload,
      "Sets the volume of WAL after which the WAL writer makes it durable before the time is over."),
    // PostgreSQL counts it in microseconds as well but lets no unit be written.
    .integer(
      "commit_delay", .microseconds, default: 0, in: 0...100_000, .superuser,
      "Sets how long a commit waits for others before it makes WAL durable for all of them."),
    .integer(
      "commit_siblings", default: 5, in: 0...1000, .session,
      "Sets how many other transactions must be open for commit_delay to be worth it."),
    .integer(
      "wal_skip_threshold", .kilobytes, default: 2048, in: 0...integerMax, .session,
      "Sets the size from which a new file is made durable as a whole instead of being logged."),
    .integer(
      "io_wal_concurrency", default: 32, in: 0...integerMax, .restart,
      "Sets how many writes and flushes of WAL can be in flight together."),
    .integer(
      "io_wal_target_blocks", .blocks, default: 8, in: 0...integerMax, .restart,
      "Sets the size of one write of WAL at most."),
    .bool(
      "io_wal_pad_partial", default: false, .superuser,
      "Fills WAL up to the end of its page before a flush, so that no page is written twice."),
  ]
}
