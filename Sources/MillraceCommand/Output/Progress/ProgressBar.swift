import Foundation
import Synchronization

/// Shows how far a long work has come.
///
/// Counting is one relaxed atomic addition, from any thread, without a lock or an allocation. A thread of its own
/// draws, ten times a second at most, so that the line also tells when the work stands still. The width of the
/// terminal is asked anew each time, which makes it follow a resize.
///
/// ```swift
/// let progress = ProgressBar("verify", bytesTotal: total, style: .choose(flag: progressFlag))
/// defer { progress.finish() }
/// …progress.add(8192)…
/// ```
final class ProgressBar: Sendable {
  private let label: String
  private let style: ProgressStyle
  private let writer: OutputWriter
  private let bytesDone = Atomic<Int>(0)
  private let bytesTotal: Atomic<Int>
  private let note = Mutex("")
  private let isFinished = Atomic<Bool>(false)
  private let stop = DispatchSemaphore(value: 0)
  private let stopped = DispatchSemaphore(value: 0)

  private static let redrawMilliseconds = 100

  /// Starts to draw, until `finish()`, unless the style is silent, which costs nothing.
  ///
  /// - Parameter bytesTotal: Zero if it is not known yet.
  init(_ label: String, bytesTotal: Int, style: ProgressStyle, writer: OutputWriter = Output.shared) {
    self.label = label
    self.style = style
    self.writer = writer
    self.bytesTotal = Atomic(bytesTotal)
    guard style != .silent else { return }
    let thread = Thread { [self] in draw() }
    thread.name = "progress"
    thread.start()
  }

  /// Counts work that is done. Any thread; no lock, no allocation.
  func add(_ bytes: Int) {
    bytesDone.add(bytes, ordering: .relaxed)
  }

  /// Corrects the amount of work, when it becomes known or turns out to be different.
  func setTotal(_ bytes: Int) {
    bytesTotal.store(bytes, ordering: .relaxed)
  }

  /// Adds a few words behind the numbers. Takes a lock: for events, not for every page.
  func setNote(_ text: String) {
    note.withLock { $0 = text }
  }

  /// Takes the line away and stops drawing. May be called more than once; only the first call does anything.
  func finish() {
    guard !isFinished.exchange(true, ordering: .acquiringAndReleasing), style != .silent else { return }
    stop.signal()
    stopped.wait()
  }

  /// What there is to show now.
  func snapshot(rate: Double) -> ProgressSnapshot {
    ProgressSnapshot(
      label: label, bytesDone: bytesDone.load(ordering: .relaxed), bytesTotal: bytesTotal.load(ordering: .relaxed),
      rate: rate, note: note.withLock { $0 })
  }

  /// The body of the drawing thread.
  private func draw() {
    let environment = ProcessInfo.processInfo.environment
    let isUnicode = TerminalLine.isUnicode(environment: environment)
    let clock = ContinuousClock()
    let start = clock.now
    var estimator = RateEstimator()
    var tenths = TenthCounter()
    var isLast = false
    while !isLast {
      isLast = stop.wait(timeout: .now() + .milliseconds(Self.redrawMilliseconds)) == .success
      estimator.observe(
        bytesDone: bytesDone.load(ordering: .relaxed), seconds: (clock.now - start) / .seconds(1))
      let snapshot = snapshot(rate: estimator.rate)
      switch style {
      case .bar where !isLast && TerminalLine.isForeground:
        writer.setStatusLine(ProgressLine.bar(snapshot, width: TerminalLine.width, isUnicode: isUnicode))
      case .lines where tenths.reachesNext(snapshot.bytesDone, of: snapshot.bytesTotal):
        writer.writeError(ProgressLine.plain(snapshot) + "\n")
      case .bar, .lines, .silent:
        break
      }
    }
    writer.setStatusLine(nil)
    stopped.signal()
  }
}

/// Tells when another tenth of the work is done.
struct TenthCounter {
  private var told = 0

  /// Whether at least one more tenth is done than when this last was true. Tenths that were skipped are not told.
  mutating func reachesNext(_ part: Int, of whole: Int) -> Bool {
    guard whole > 0 else { return false }
    let reached = min(part, whole) * 10 / whole
    guard reached > told else { return false }
    told = reached
    return true
  }
}
