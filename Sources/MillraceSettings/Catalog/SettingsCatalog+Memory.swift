extension SettingsCatalog {
  /// Buffer pools and how the system gives their memory.
  static let memory: [SettingDefinition] = [
    .integer(
      "shared_buffers", .blocks, default: 16_384, in: 16...integerMax / 2, .restart,
      "Sets the size of the buffer pool that all sessions share."),
    .integer(
      "temp_buffers", .blocks, default: 1024, in: 100...integerMax / 2, .session,
      "Sets the size of each session's buffer pool for temporary tables; fixed once the session has used it."),
    .integer(
      "vacuum_buffer_usage_limit", .kilobytes, default: 2048, in: 0...vacuumRingMax,
      excluding: SettingExclusion(
        1...127, "\"vacuum_buffer_usage_limit\" must be 0 or between 128 kB and \(vacuumRingMax) kB."), .session,
      "Sets how much of the buffer pool a vacuum reuses over and over; 0 lets it use all."),
    .enumeration(
      "huge_pages", default: HugePagesSetting.try, .restart, "Puts the buffer pool into huge pages."),
    .enumeration(
      "shared_memory_type", default: SharedMemoryTypeSetting.mmap, .restart,
      "Selects how the memory of the buffer pool is had from the system."),
  ]

  /// 16 GB.
  private static let vacuumRingMax = 16 << 20
}
