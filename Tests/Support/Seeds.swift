import Foundation

/// Which seeds a test of many tries. `MILLRACE_SEED` sets the first, `MILLRACE_SEEDS` how many.
package enum Seeds {
  private static func number(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
  }

  /// The first one that was asked for.
  package static var asked: UInt64? { number("MILLRACE_SEED") }

  /// So many, from 1 on, unless others were asked for. A first one alone is tried alone.
  package static func range(_ usual: UInt64) -> Range<UInt64> {
    let first = asked ?? 1
    let count = number("MILLRACE_SEEDS") ?? (asked == nil ? usual : 1)
    return first..<first + max(count, 1)
  }

  /// Runs each seed until one fails.
  /// - Parameters:
  ///   - filter: what `swift test --filter` finds the test by.
  ///   - run: throws what is wrong with a seed.
  /// - Returns: how to see the failure again; nil where there was none.
  package static func firstFailure(
    _ seeds: some Sequence<UInt64>, filter: String, _ run: (UInt64) throws -> Void
  ) -> String? {
    for seed in seeds {
      do { try run(seed) } catch {
        return "\(error)\nTo repeat: MILLRACE_SEED=\(seed) swift test --filter \(filter)"
      }
    }
    return nil
  }
}
