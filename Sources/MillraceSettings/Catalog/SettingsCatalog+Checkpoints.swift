extension SettingsCatalog {
  /// When checkpoints happen and how they spread their writes.
  static let checkpoints: [SettingDefinition] = [
    .integer(
      "checkpoint_timeout", .seconds, default: 300, in: 30...86_400, .reload,
      "Sets the longest time between two automatic checkpoints."),
    .real(
      "checkpoint_completion_target", default: 0.9, in: 0...1, .reload,
      "Sets the part of the time between checkpoints over which a checkpoint spreads its writes."),
    .integer(
      "checkpoint_warning", .seconds, default: 30, in: 0...integerMax, .reload,
      "Warns if checkpoints forced by the volume of WAL come closer together than this; 0 never warns."),
    .integer(
      "max_wal_size", .megabytes, default: 1024, in: 2...integerMax, .reload,
      "Sets the volume of WAL that starts a checkpoint."),
    .integer(
      "min_wal_size", .megabytes, default: 80, in: 2...integerMax, .reload,
      "Sets the volume of WAL files that a checkpoint keeps for reuse at least."),
  ]
}
