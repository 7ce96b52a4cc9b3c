extension SettingsCatalog {
  /// When written pages are handed on to the device, and the background writer.
  static let writeBack: [SettingDefinition] = [
    .integer(
      "backend_flush_after", .blocks, default: 0, in: 0...writeBackMax, .session,
      "Sets after how much written data a session starts its writing to the device; 0 leaves that to the kernel."),
    .integer(
      "bgwriter_flush_after", .blocks, default: hasWriteBack ? 64 : 0, in: 0...writeBackMax, .reload,
      "Sets after how much written data the background writer starts its writing to the device; 0 leaves that to the "
        + "kernel."),
    .integer(
      "checkpoint_flush_after", .blocks, default: hasWriteBack ? 32 : 0, in: 0...writeBackMax, .reload,
      "Sets after how much written data a checkpoint starts its writing to the device; 0 leaves that to the kernel."),
    .integer(
      "bgwriter_delay", .milliseconds, default: 200, in: 10...10_000, .reload,
      "Sets the time between two rounds of the background writer."),
    .integer(
      "bgwriter_lru_maxpages", default: 100, in: 0...integerMax / 2, .reload,
      "Sets how many pages the background writer writes in a round at most; 0 turns it off."),
    .real(
      "bgwriter_lru_multiplier", default: 2, in: 0...10, .reload,
      "Sets how many pages the background writer keeps free, as a multiple of the average demand of a round."),
  ]

  private static let writeBackMax = 256

  /// Only Linux can start the writing of a range without waiting for it and without dropping it from the cache.
  #if os(Linux)
    private static let hasWriteBack = true
  #else
    private static let hasWriteBack = false
  #endif
}
