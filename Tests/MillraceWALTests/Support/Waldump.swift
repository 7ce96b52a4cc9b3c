import MillraceStorage
import MillraceTestSupport

/// What PostgreSQL's `pg_waldump` says about a log.
struct Waldump {
  struct Block: Equatable {
    var id = 0
    var relation = ""
    var fork = "main"
    var block: UInt32 = 0
    var hasImage = false
  }

  struct Record: Equatable {
    var resourceManager = ""
    var length = 0
    var totalLength = 0
    var xid: UInt32 = 0
    var lsn = ""
    var previous = ""
    var description = ""
    var blocks: [Block] = []
  }

  let records: [Record]
  /// Why it stopped; empty where it came to the end it was given.
  let errors: String

  init(_ installation: PostgresInstallation, directory: String, start: LogSequenceNumber, end: LogSequenceNumber? = nil)
    throws
  {
    var arguments = ["-p", directory, "-s", "\(start)"]
    if let end { arguments += ["-e", "\(end)"] }
    let outcome = try installation.run("pg_waldump", arguments, mayFail: true)
    errors = outcome.errors
    records = outcome.output.split(separator: "\n").compactMap(Self.parse)
  }

  private static func parse(_ line: Substring) -> Record? {
    let pattern =
      #/rmgr: (\S+)\s+len \(rec\/tot\):\s*(\d+)\/\s*(\d+), tx:\s*(\d+), lsn: (\S+), prev (\S+), desc: (.*)/#
    guard let match = line.wholeMatch(of: pattern) else { return nil }
    var record = Record(
      resourceManager: String(match.1), length: Int(match.2) ?? 0, totalLength: Int(match.3) ?? 0,
      xid: UInt32(match.4) ?? 0, lsn: String(match.5), previous: String(match.6), description: String(match.7))
    let block = #/blkref #(\d+): rel (\S+) (?:fork (\S+) )?blk (\d+)( FPW)?/#
    let rest = record.description
    for found in rest.matches(of: block) {
      record.blocks.append(
        Block(
          id: Int(found.1) ?? -1, relation: String(found.2), fork: found.3.map(String.init) ?? "main",
          block: UInt32(found.4) ?? .max, hasImage: found.5 != nil))
    }
    if let first = rest.firstRange(of: #/,? ?blkref #/#) {
      record.description = String(rest[..<first.lowerBound])
    }
    return record
  }
}

extension LogSequenceNumber {
  /// As `pg_waldump` prints it: `0/016ED420`.
  var waldump: String {
    let low = String(rawValue & 0xFFFF_FFFF, radix: 16, uppercase: true)
    return String(rawValue >> 32, radix: 16, uppercase: true) + "/" + String(repeating: "0", count: 8 - low.count) + low
  }
}
