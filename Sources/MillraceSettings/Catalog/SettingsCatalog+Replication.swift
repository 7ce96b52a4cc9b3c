extension SettingsCatalog {
  /// Sending the log to others.
  static let replication: [SettingDefinition] = [
    .integer(
      "max_wal_senders", default: 10, in: 0...backendsMax, .restart,
      "Sets how many others can be sent WAL at a time."),
    .integer(
      "max_replication_slots", default: 10, in: 0...backendsMax, .restart,
      "Sets how many replication slots there can be."),
    .integer(
      "wal_sender_timeout", .milliseconds, default: 60_000, in: 0...integerMax, .session,
      "Ends replication to one who has not been heard of for so long; 0 never does."),
    .integer(
      "wal_keep_size", .megabytes, default: 0, in: 0...integerMax, .reload,
      "Sets the volume of WAL files that is kept for others."),
    .integer(
      "max_slot_wal_keep_size", .megabytes, default: -1, in: -1...integerMax, .reload,
      "Sets the volume of WAL that replication slots can hold back; -1 for any."),
  ]
}
