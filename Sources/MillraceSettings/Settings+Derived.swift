/// What follows from several settings together.
extension Settings {
  /// The value of a setting that measures memory, in bytes.
  ///
  /// - Precondition: The setting's unit is one of memory and its value is not the `-1` of "automatic".
  public func bytes(_ key: SettingKey<Int>) -> Int {
    scaled(key, .memory)
  }

  /// The value of a setting that measures time.
  ///
  /// - Precondition: The setting's unit is one of time.
  public func duration(_ key: SettingKey<Int>) -> Duration {
    .microseconds(scaled(key, .time))
  }

  private func scaled(_ key: SettingKey<Int>, _ dimension: SettingDimension) -> Int {
    guard case .integer(let kind) = key.definition.kind, kind.unit.dimension == dimension else {
      preconditionFailure("\(key.definition.name) does not measure \(dimension)")
    }
    let value = self[key]
    precondition(value >= 0, "\(key.definition.name) is automatic and has no size of its own")
    return value * kind.unit.size
  }

  /// The largest combined I/O in blocks: `io_combine_limit`, silently clamped by `io_max_combine_limit`.
  public var effectiveIOCombineLimit: Int {
    min(self[.ioCombineLimit], self[.ioMaxCombineLimit])
  }

  /// The bounds of the pool of I/O workers. They are one number if `io_workers` fixes it, and the upper bound wins if
  /// the lower is above it.
  public var ioWorkerBounds: ClosedRange<Int> {
    let fixed = self[.ioWorkers]
    if fixed > 0 { return fixed...fixed }
    let upper = self[.ioMaxWorkers]
    return min(self[.ioMinWorkers], upper)...upper
  }

  /// How many I/Os one session can have in flight.
  ///
  /// - Parameter backendsMax: The largest number of threads that issue I/O.
  /// - Returns: `io_max_concurrency`, or for its `-1` PostgreSQL's rule: the fair share of the buffer pool, at most 64.
  public func effectiveIOMaxConcurrency(backendsMax: Int) -> Int {
    precondition(backendsMax > 0, "there is always one backend")
    let configured = self[.ioMaxConcurrency]
    if configured > 0 { return configured }
    return min(64, max(1, self[.sharedBuffers] / backendsMax))
  }

  /// What is legal and probably not meant. Whoever applies settings logs it.
  public var warnings: [SettingWarning] {
    guard self[.ioWorkers] == 0, self[.ioMinWorkers] > self[.ioMaxWorkers] else { return [] }
    return [
      SettingWarning(
        message: "\"io_min_workers\" (\(self[.ioMinWorkers])) should be less than or equal to "
          + "\"io_max_workers\" (\(self[.ioMaxWorkers]))",
        detail: "The pool of I/O workers will not grow beyond \"io_max_workers\".")
    ]
  }
}

/// A combination of settings that is legal and probably not meant.
public struct SettingWarning: Hashable, Sendable, CustomStringConvertible {
  public let message: String
  public let detail: String

  public var description: String { "\(message). \(detail)" }
}
