/// How fast a checkpoint writes: spread over the time until the next one (PostgreSQL's CheckpointWriteDelay and
/// IsCheckpointOnSchedule, src/backend/postmaster/checkpointer.c). What it measures with is given to it, so that it can
/// be asked without a clock.
public struct CheckpointPacing {
  /// `checkpoint_completion_target`: the part of the time until the next checkpoint that writing may take.
  public var completionTarget = 0.9
  /// How much of `checkpoint_timeout` has passed since the checkpoint began, 0 to 1.
  public var elapsed: () -> Double
  /// How much of the log that triggers the next checkpoint (`max_wal_size`) has been written since this one began.
  public var logConsumed: () -> Double
  /// Whether it shall hurry now: it was asked for by somebody who waits, the server stops, or recovery ends.
  public var isUrgent: () -> Bool
  /// Sleeps a tenth of a second, or less if something changes.
  public var sleep: () -> Void

  public init(
    elapsed: @escaping () -> Double, logConsumed: @escaping () -> Double = { 0 },
    isUrgent: @escaping () -> Bool = { false }, sleep: @escaping () -> Void
  ) {
    (self.elapsed, self.logConsumed, self.isUrgent, self.sleep) = (elapsed, logConsumed, isUrgent, sleep)
  }

  /// As fast as the device can.
  public static var none: CheckpointPacing { CheckpointPacing(elapsed: { 1 }, isUrgent: { true }, sleep: {}) }

  /// Whether so much progress, 0 to 1, is enough by now.
  public func isOnSchedule(_ progress: Double) -> Bool {
    let scaled = progress * completionTarget
    return scaled >= logConsumed() && scaled >= elapsed()
  }
}

@available(*, unavailable, message: "a checkpoint is paced by what its own thread looks at")
extension CheckpointPacing: Sendable {}
