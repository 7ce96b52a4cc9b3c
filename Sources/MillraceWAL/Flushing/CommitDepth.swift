/// How many groups of committers are made durable at the same time, learned from the disk.
///
/// With one group in flight who comes meanwhile waits for its end and then for a flush of its own. A second flush that
/// overlaps the first spares the first of these waits, at the price of smaller groups. Whether that is worth it depends
/// on the disk alone: one that does several flushes together gives each in the time of one, and then more in flight are
/// better up to as many as come; one that does them one after another makes every further group wait as long as those
/// before it, and one in flight is best (`CommitBatchTests` counts both).
///
/// So the time of a group that had the disk for itself is compared with that of groups that did not: as long as they
/// take about the same, twice as many are tried. What was found holds for some hundred groups; then it is looked at
/// anew, a few groups alone, a few together, because disks change their ways under load.
///
/// A pure value; see ``CommitBatches`` for who may change it.
struct CommitDepth: Equatable {
  private enum Step {
    /// Groups go alone, to see what the disk takes for one.
    case alone
    /// So many go together as are being tried.
    case together
    case settled
  }

  /// Groups in flight at most, now.
  private(set) var limit = 1
  /// What ``limit`` never exceeds.
  let most: Int

  private var step = Step.alone
  /// How many are best, as far as is known.
  private var best = 1
  private var tried = 1
  private var count = 0
  private var sum: UInt64 = 0
  /// Nanoseconds of a group alone, on average.
  private var alone: UInt64 = 0

  private static let samplesAlone = 8
  private static let samplesTogether = 16
  private static let settledGroups = 512

  /// - Parameter most: 1 for never more than one.
  init(most: Int) { self.most = most }

  /// Takes in how long a group took.
  /// - Parameters:
  ///   - nanoseconds: from its first write to its being durable.
  ///   - others: how many were in flight when it began.
  mutating func note(_ nanoseconds: UInt64, others: Int) {
    guard most > 1 else { return }
    switch step {
    case .alone:
      guard others == 0, add(nanoseconds, of: Self.samplesAlone) else { return }
      alone = sum / UInt64(count)
      begin(.together, trying: max(best, 2))
    case .together:
      // Without company it says nothing of that.
      guard others > 0, add(nanoseconds, of: Self.samplesTogether) else { return }
      let isSlower = sum / UInt64(count) > alone + alone / 4
      if isSlower {
        best = max(tried / 2, 1)
        begin(.settled, trying: best)
      } else {
        best = tried
        begin(tried < most ? .together : .settled, trying: min(tried * 2, most))
      }
    case .settled:
      count += 1
      if count >= Self.settledGroups { begin(.alone, trying: 1) }
    }
  }

  private mutating func add(_ nanoseconds: UInt64, of wanted: Int) -> Bool {
    sum += nanoseconds
    count += 1
    return count >= wanted
  }

  private mutating func begin(_ next: Step, trying depth: Int) {
    (step, tried, count, sum) = (next, min(depth, most), 0, 0)
    limit = tried
  }
}
