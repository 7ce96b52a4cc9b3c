public import Logging

/// How an engine is built. Fixed for its life, but for the worker pool (``IOEngine/resizeWorkers(_:)``).
public struct IOConfiguration: Sendable {
  /// How I/O is executed.
  public var method: IOMethodKind = .worker
  /// Handles of each backend: `io_max_concurrency`, 1 to 1024.
  public var handlesPerBackend = 64
  /// Pieces of memory in one I/O: `io_max_combine_limit` in blocks, 1 to 128. Also the limit of merging.
  public var vectorsPerHandle = 16
  /// The largest I/O that merging makes, bytes: `io_max_combine_limit`.
  public var mergedBytesMax = 16 * 8192
  /// Backends that can exist at the same time.
  public var backendsMax = 64
  /// The worker pool.
  public var workers = WorkerPoolConfiguration()
  /// io_uring: rings that backends share; 0 takes one for each core.
  public var ringsMax = 0
  /// posix_aio: descriptor numbers that requests on one file are spread over, because glibc serves one request per
  /// number at a time.
  public var posixAIODescriptors = 16
  /// Where the one line about a step down goes.
  public var logger = Logger(label: "millrace.io")

  public init() {}

  public init(method: IOMethodKind) { self.method = method }

  /// Checks ranges.
  /// - Throws: ``IOError`` `.invalidConfiguration`, naming the setting and its range.
  func validate() throws(IOError) {
    try Self.check("io_max_concurrency", handlesPerBackend, in: 1...1024)
    try Self.check("io_max_combine_limit", vectorsPerHandle, in: 1...128)
    try Self.check("backendsMax", backendsMax, in: 1...(IOReference.handlesMax / handlesPerBackend))
    try Self.check("ringsMax", ringsMax, in: 0...64)
    try Self.check("posixAIODescriptors", posixAIODescriptors, in: 1...64)
    try workers.validate()
  }

  static func check(_ name: String, _ value: Int, in range: ClosedRange<Int>) throws(IOError) {
    guard !range.contains(value) else { return }
    throw IOError(
      .invalidConfiguration,
      message: "\(value) is outside the valid range for parameter \"\(name)\""
        + " (\(range.lowerBound) .. \(range.upperBound))")
  }
}

/// Bounds and pace of the worker pool; names and meaning are PostgreSQL 19's.
public struct WorkerPoolConfiguration: Sendable, Equatable {
  /// `io_min_workers`, 1 to 32.
  public var workersMin = 2
  /// `io_max_workers`, 1 to 32. Equal to the minimum: a pool of fixed size (`io_workers`).
  public var workersMax = 8
  /// `io_worker_idle_timeout`: after how long without work the highest-numbered worker above the minimum leaves.
  public var idleTimeoutMilliseconds = 60_000
  /// `io_worker_launch_interval`: at least this long between two launches above the minimum.
  public var launchIntervalMilliseconds = 100

  public static let countLimit = 32

  public init() {}

  /// A pool of fixed size: `io_workers`.
  public init(fixed count: Int) { (workersMin, workersMax) = (count, count) }

  func validate() throws(IOError) {
    try IOConfiguration.check("io_min_workers", workersMin, in: 1...Self.countLimit)
    try IOConfiguration.check("io_max_workers", workersMax, in: 1...Self.countLimit)
    try IOConfiguration.check("io_worker_idle_timeout", idleTimeoutMilliseconds, in: 0...Int(Int32.max))
    try IOConfiguration.check("io_worker_launch_interval", launchIntervalMilliseconds, in: 0...Int(Int32.max))
  }
}
