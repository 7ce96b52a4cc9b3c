extension SettingsCatalog {
  /// Files: how many are open, how large they get, how they grow and are copied.
  static let files: [SettingDefinition] = [
    .integer(
      "max_files_per_process", default: 1000, in: 64...integerMax, .restart,
      "Sets how many files are kept open at a time."),
    // PostgreSQL fixes it when it is built; here a cluster of tests can have segments of a few blocks.
    .integer(
      "segment_size", .blocks, default: 131_072, in: 1...segmentSizeMax, .restart,
      "Sets the size at which a relation continues in its next file."),
    .enumeration(
      "file_extend_method", default: FileExtendMethodSetting.platformDefault, .reload,
      "Selects how a relation file grows by more than a few blocks."),
    .enumeration("file_copy_method", default: FileCopyMethodSetting.copy, .session, "Selects how files are copied."),
  ]

  /// 1 TB.
  private static let segmentSizeMax = 1 << 27
}
