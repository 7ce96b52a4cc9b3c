import Foundation

/// How long tests go on that try what random numbers make up.
///
/// Without more said, each makes so many rounds as take a second or so. `MILLRACE_FUZZ_SECONDS` says for how long each
/// is to go on, which `make test` in CI and `make fuzz` set; `MILLRACE_SEED` where it begins.
package enum Fuzzing {
  private static let nanoseconds = ProcessInfo.processInfo.environment["MILLRACE_FUZZ_SECONDS"]
    .flatMap(UInt64.init).map { $0 * 1_000_000_000 }

  /// - Parameters:
  ///   - usual: rounds, at the least.
  ///   - round: gets a generator of its own, whose seed repeats the round as the first of a run.
  package static func run(
    _ test: String, rounds usual: Int, _ round: (inout SeededGenerator) throws -> Void
  ) rethrows {
    let first = SeededGenerator(for: test).seed
    let start = DispatchTime.now().uptimeNanoseconds
    var count = 0
    while count < usual || DispatchTime.now().uptimeNanoseconds - start < nanoseconds ?? 0 {
      var random = SeededGenerator(seed: first &+ UInt64(count))
      try round(&random)
      count += 1
    }
    if count > usual { print("\(test): \(count) rounds") }
  }
}
