extension SettingsCatalog {
  /// Asynchronous and direct I/O: how it is executed and how much of it at a time.
  static let inputOutput: [SettingDefinition] = [
    .enumeration(
      "io_method", default: IOMethodSetting.worker, .restart, "Selects the method that executes asynchronous I/O."),
    .list(
      "io_direct", aliases: ["debug_io_direct"], default: IODirectSetting(), .restart,
      "Lists the kinds of files that are opened for direct I/O, past the page cache."),
    .integer(
      "io_max_concurrency", default: -1, in: -1...1024,
      excluding: SettingExclusion(0...0, "Only -1 or values bigger than 0 are valid."), .restart,
      "Sets how many I/Os one session can have in flight; -1 derives it from shared_buffers."),
    .integer(
      "io_combine_limit", .blocks, default: 16, in: 1...combineLimitMax, .session,
      "Sets the largest single I/O that neighbouring blocks are combined to, clamped by io_max_combine_limit."),
    .integer(
      "io_max_combine_limit", .blocks, default: 16, in: 1...combineLimitMax, .restart,
      "Sets the server-wide upper bound of io_combine_limit, which sizes the memory of every I/O."),
    .integer(
      "effective_io_concurrency", default: 16, in: 0...1000, .session,
      "Sets how many I/Os a stream keeps in flight; 0 reads synchronously."),
    .integer(
      "maintenance_io_concurrency", default: 16, in: 0...1000, .session,
      "Sets how many I/Os a stream of maintenance work, or recovery, keeps in flight; 0 reads synchronously."),
    .integer(
      "io_workers", default: 0, in: 0...workersMax, .reload,
      "Fixes the number of I/O worker threads; 0 lets the pool size itself from io_min_workers to io_max_workers."),
    .integer(
      "io_min_workers", default: 2, in: 1...workersMax, .reload, "Sets the smallest number of I/O worker threads."),
    .integer(
      "io_max_workers", default: 8, in: 1...workersMax, .reload, "Sets the largest number of I/O worker threads."),
    .integer(
      "io_worker_idle_timeout", .milliseconds, default: 60_000, in: 0...integerMax, .reload,
      "Sets how long the last I/O worker stays idle before it leaves the pool; 0 lets it leave at once."),
    .integer(
      "io_worker_launch_interval", .milliseconds, default: 100, in: 0...integerMax, .reload,
      "Sets the least time between two additions to the pool of I/O workers."),
    .integer(
      "io_worker_queue_size", default: 64, in: 1...4096, .restart,
      "Sets how many I/Os can wait for a worker; those beyond it run in the thread that wants them."),
  ]

  /// The highest number of I/O workers, as in PostgreSQL.
  static let workersMax = 32

  /// The highest number of blocks in one I/O, as in PostgreSQL; it bounds the vector of every I/O, and those of
  /// Windows are shorter.
  #if os(Windows)
    static let combineLimitMax = 16
  #else
    static let combineLimitMax = 128
  #endif

  /// The largest integer of any setting: PostgreSQL keeps them in 32 bits.
  static let integerMax = Int(Int32.max)
}
