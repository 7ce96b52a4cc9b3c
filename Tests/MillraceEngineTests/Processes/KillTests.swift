import Foundation
import MillraceEngineTestSupport
import MillraceIO
import MillraceTestSupport
import Testing

/// Real processes that are killed at any moment, on the real file system: the page cache survives, the process does
/// not.
@Suite(.serialized) struct KillTests {
  struct Way: CustomTestStringConvertible {
    let method: IOMethodKind
    let direct: String

    var testDescription: String { "\(method), \(direct.isEmpty ? "buffered" : direct)" }
    var assignments: [(name: String, value: String)] {
      [("io_method", method.rawValue), ("io_direct", direct), ("shared_buffers", "256kB")]
    }
    var words: [String] { assignments.map { "\($0.name)=\($0.value)" } }

    static let all: [Way] = MethodsHere.usable
      .flatMap { method in ["", "data,wal"].map { Way(method: method, direct: $0) } }
  }

  /// With four methods that makes 56 rounds.
  static let rounds = 7

  @Test(arguments: Way.all)
  func `a process that is killed under load loses nothing that it has acknowledged`(way: Way) throws {
    let directory = try TemporaryDirectory()
    let cluster = directory.path + "/data"
    try RowStore.initialize(cluster)
    var random = SeededGenerator(for: "kill -9, \(way.testDescription)")
    let rig = CrashRig(cluster, seed: random.next(), words: way.words)
    var committed = 0
    for round in 0..<Self.rounds {
      let moment = round % 3 == 2 ? nil : random.below(1 << (2 + random.below(8)))
      let sighting = try rig.run(until: .killed(after: moment))
      #expect(sighting.refusals.isEmpty && sighting.stops.isEmpty, "nothing was in the way of any statement")
      committed += sighting.committed
    }
    let last = try rig.run(until: .shutdown(transactions: 5))
    #expect(last.stops.isEmpty && last.refusals.isEmpty && committed > 0)
    try expectSoundToPostgreSQL(cluster)
  }
}
