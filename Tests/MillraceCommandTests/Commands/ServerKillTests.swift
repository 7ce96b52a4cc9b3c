import Foundation
import MillraceIO
import MillraceTestSupport
import Testing

/// Servers that are killed under pgbench, again and again on the same cluster, with checkpoints, VACUUM and DDL beside.
@Suite("a server that is killed", .serialized, .enabled(if: PostgresInstallation.isExpected(18)))
struct ServerKillTests {
  struct Way: Sendable, CustomTestStringConvertible {
    let method: IOMethodKind
    let direct: String

    var testDescription: String { "\(method), \(direct.isEmpty ? "buffered" : direct)" }

    static let all: [Way] = MethodsHere.usable
      .flatMap { method in ["", "data,wal"].map { Way(method: method, direct: $0) } }
  }

  /// With four methods that makes 56 rounds.
  static let rounds = 7

  @Test(arguments: Way.all)
  func `kill -9 under pgbench loses nothing that a client was told, and leaves sums and indexes right`(way: Way) throws
  {
    var random = SeededGenerator(for: "kill -9 under pgbench, \(way.testDescription)")
    let rig = try ServerKillRig([
      "io_method=\(way.method)", "io_direct=\(way.direct)", "shared_buffers=2MB", "io_max_concurrency=32",
      "max_wal_size=4MB", "huge_pages=off",
    ])
    for round in 1...Self.rounds {
      if round % 3 == 0 { try rig.killWhileStarting(after: random.below(2)) }
      try rig.run(round, killedAfter: 1 + random.below(30))
    }
    #expect(rig.acknowledged > Self.rounds, "pgbench had hardly begun in any round")
    try rig.finish()
  }
}
