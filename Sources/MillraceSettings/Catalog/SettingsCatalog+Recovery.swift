extension SettingsCatalog {
  /// Reading ahead during recovery.
  static let recovery: [SettingDefinition] = [
    .enumeration(
      "recovery_prefetch", default: RecoveryPrefetchSetting.try, .reload,
      "Starts the reads of the pages that recovery is about to need."),
    .integer(
      "wal_decode_buffer_size", .bytes, default: 512 << 10, in: 64 << 10...(1 << 30) - 1, .restart,
      "Sets how much WAL recovery sorts by page at least; a quarter of shared_buffers if that is more."),
  ]

  /// What to do about damage and about failures to make data durable.
  static let errorHandling: [SettingDefinition] = [
    .bool(
      "zero_damaged_pages", default: false, .superuser,
      "Replaces a damaged page by zeroes with a warning; what was on it is lost."),
    .bool(
      "ignore_checksum_failure", default: false, .superuser,
      "Goes on with a warning if a page does not match its checksum."),
    .bool(
      "data_sync_retry", default: false, .restart,
      "Goes on after a failure to make data durable instead of stopping for recovery."),
  ]

  /// What is measured.
  static let statistics: [SettingDefinition] = [
    .bool("track_io_timing", default: false, .superuser, "Measures the time of reading and writing data."),
    .bool("track_wal_io_timing", default: false, .superuser, "Measures the time of reading and writing WAL."),
    .bool("auto_explain.log_io", default: false, .superuser, "Logs the I/O of each part of a logged plan."),
    .bool(
      "io_data_force_async", default: false, .superuser,
      "Sends even those reads through asynchronous I/O that are waited for at once, to test it."),
  ]
}
