import MillraceIO

/// One relation read in several ways, each some times, taking turns, so that what changes on the machine meanwhile
/// meets all of them alike.
struct ScanComparison {
  /// A way that cannot be gone here.
  struct Skipped {
    let method: IOMethodKind
    let isDirect: Bool
    let reason: String
  }

  /// What all rounds of one way came to.
  struct Outcome {
    let scanCase: ScanCase
    /// Of the round whose time is the median.
    let median: ScanResult
    let cpuSeconds: Double
    /// Fastest and slowest round.
    let seconds: ClosedRange<Double>
  }

  let scan: RelationScan
  let rounds: Int
  let skipped: [Skipped]
  /// Method and direct or not, in the order of a round.
  private let ways: [(method: IOMethodKind, isDirect: Bool)]

  /// Finds out what can be measured here.
  init(_ scan: RelationScan, methods: [IOMethodKind], rounds: Int) {
    (self.scan, self.rounds) = (scan, rounds)
    let obstacleToDirect = scan.obstacleToDirect()
    var (ways, skipped): ([(method: IOMethodKind, isDirect: Bool)], [Skipped]) = ([], [])
    for isDirect in [false, true] {
      for method in methods {
        if let obstacle = MethodSelection.obstacle(to: method) ?? (isDirect ? obstacleToDirect : nil) {
          skipped.append(Skipped(method: method, isDirect: isDirect, reason: obstacle))
        } else {
          ways.append((method, isDirect))
        }
      }
    }
    (self.ways, self.skipped) = (ways, skipped)
  }

  var isEmpty: Bool { ways.isEmpty }

  /// Bytes that will be read.
  var byteCount: Int { scan.pageCount * 8192 * (ways.count * ScanCase.Cache.allCases.count * rounds + 1) }

  /// Measures. The warm scan follows the cold one of the same way, which has just filled the page cache if it uses it.
  func run(_ progress: ProgressBar) throws -> [Outcome] {
    var results: [ScanCase: [ScanResult]] = [:]
    if let first = ways.first {
      // Who comes first would pay for the file's metadata, the kernel's lists of free memory, a processor at rest.
      progress.setNote("warming up")
      _ = try scan.run(ScanCase(method: first.method, isDirect: first.isDirect, cache: .cold), onProgress: progress.add)
    }
    for round in 1...rounds {
      for way in ways {
        for cache in ScanCase.Cache.allCases {
          try Interruption.check()
          let scanCase = ScanCase(method: way.method, isDirect: way.isDirect, cache: cache)
          progress.setNote("\(way.method) \(scanCase.path) \(cache)\(rounds > 1 ? ", round \(round)" : "")")
          results[scanCase, default: []].append(try scan.run(scanCase, onProgress: progress.add))
        }
      }
    }
    return ScanCase.Cache.allCases.flatMap { cache in
      ways.compactMap { way in
        let scanCase = ScanCase(method: way.method, isDirect: way.isDirect, cache: cache)
        return results[scanCase].flatMap { Self.outcome(scanCase, $0) }
      }
    }
  }

  private static func outcome(_ scanCase: ScanCase, _ results: [ScanResult]) -> Outcome? {
    let sorted = results.sorted { $0.seconds < $1.seconds }
    guard let fastest = sorted.first, let slowest = sorted.last else { return nil }
    return Outcome(
      scanCase: scanCase, median: sorted[sorted.count / 2],
      cpuSeconds: results.map(\.cpuSeconds).sorted()[results.count / 2],
      seconds: fastest.seconds...slowest.seconds)
  }
}

extension ScanComparison.Outcome {
  var mebibytesPerSecond: Double { rate(median.seconds) }
  /// Slowest and fastest round.
  var spread: ClosedRange<Double> { rate(seconds.upperBound)...rate(seconds.lowerBound) }
  var cpuMicrosecondsPerPage: Double { cpuSeconds * 1e6 / Double(max(median.pages, 1)) }

  private func rate(_ seconds: Double) -> Double { Double(median.bytes) / 1_048_576 / max(seconds, 1e-9) }

  /// How many times as fast as `sync` it is, read the same way.
  func ratioToSync(in outcomes: [Self]) -> Double? {
    let sync = outcomes.first {
      $0.scanCase == ScanCase(method: .sync, isDirect: scanCase.isDirect, cache: scanCase.cache)
    }
    return sync.map { $0.median.seconds / max(median.seconds, 1e-9) }
  }
}
