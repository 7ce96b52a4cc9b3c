import Foundation
package import MillraceStorage

/// What PostgreSQL's `pg_waldump` says about a log.
package struct Waldump {
  package struct Block: Equatable {
    package var id = 0
    package var relation = ""
    package var fork = "main"
    package var block: UInt32 = 0
    package var hasImage = false

    package init(
      id: Int = 0, relation: String = "", fork: String = "main", block: UInt32 = 0, hasImage: Bool = false
    ) {
      (self.id, self.relation, self.fork) = (id, relation, fork)
      (self.block, self.hasImage) = (block, hasImage)
    }
  }

  package struct Record: Equatable {
    package var resourceManager = ""
    package var length = 0
    package var totalLength = 0
    package var xid: UInt32 = 0
    package var lsn = ""
    package var previous = ""
    package var description = ""
    package var blocks: [Block] = []

    package init(
      resourceManager: String = "", length: Int = 0, totalLength: Int = 0, xid: UInt32 = 0, lsn: String = "",
      previous: String = "", description: String = "", blocks: [Block] = []
    ) {
      (self.resourceManager, self.length, self.totalLength, self.xid) = (resourceManager, length, totalLength, xid)
      (self.lsn, self.previous, self.description, self.blocks) = (lsn, previous, description, blocks)
    }
  }

  package let records: [Record]
  /// Why it stopped; empty where it came to the end it was given.
  package let errors: String

  /// - Parameters:
  ///   - start: where a record starts.
  ///   - segments: the files that `start` and `end` lie in. Without them the program asks any file for the segments'
  ///     size, and one that was made ahead of need does not tell.
  ///   - end: where to stop; nil for the end of the log.
  ///   - images: a directory, made by it, for the pages of full-page images.
  package init(
    _ installation: PostgresInstallation, directory: String, start: LogSequenceNumber, segments: [String] = [],
    end: LogSequenceNumber? = nil, savingImagesTo images: String? = nil
  ) throws {
    var arguments = ["-p", directory, "-s", "\(start)"]
    if let end { arguments += ["-e", "\(end)"] }
    if let images { arguments.append("--save-fullpage=\(images)") }
    arguments += segments
    let outcome = try installation.run("pg_waldump", arguments, mayFail: true)
    errors = outcome.errors
    records = try outcome.output.split(separator: "\n").map(Self.parse)
  }

  /// A line of another form.
  struct UnexpectedLine: Error, CustomStringConvertible {
    let line: String
    var description: String { "pg_waldump printed \(line)" }
  }

  /// rmgr: NAME len (rec/tot): N/ N, tx: N, lsn: LSN, prev LSN, desc: TEXT, blkref #N: rel A/B/C fork F blk N FPW, …
  ///
  /// Taken apart by hand, because regular expressions take a minute for the logs of these tests.
  private static func parse(_ line: Substring) throws -> Record {
    var rest = line
    func part(_ before: String, _ after: String) throws -> Substring {
      guard let start = rest.range(of: before),
        let end = rest.range(of: after, range: start.upperBound..<rest.endIndex)
      else { throw UnexpectedLine(line: String(line)) }
      defer { rest = rest[end.lowerBound...] }
      return rest[start.upperBound..<end.lowerBound]
    }
    func number(_ text: Substring) -> Int { Int(text.filter { $0 != " " }) ?? -1 }
    var record = Record()
    record.resourceManager = String(try part("rmgr: ", "len (rec/tot)").filter { $0 != " " })
    record.length = number(try part("len (rec/tot):", "/"))
    record.totalLength = number(try part("/", ","))
    record.xid = UInt32(number(try part("tx:", ",")))
    record.lsn = String(try part("lsn: ", ","))
    record.previous = String(try part("prev ", ","))
    let blocks = rest.ranges(of: "blkref #")
    guard let start = rest.range(of: ", desc: ") else { throw UnexpectedLine(line: String(line)) }
    record.description = String(rest[start.upperBound..<(blocks.first?.lowerBound ?? rest.endIndex)])
    while record.description.last == " " || record.description.last == "," { record.description.removeLast() }
    for (index, found) in blocks.enumerated() {
      let end = index + 1 < blocks.count ? blocks[index + 1].lowerBound : rest.endIndex
      record.blocks.append(block(rest[found.upperBound..<end].split { " ,".contains($0) }))
    }
    return record
  }

  private static func block(_ words: [Substring]) -> Block {
    // 0: rel 1663/5/16384 fork vm blk 0 FPW
    func following(_ word: Substring) -> Substring? {
      words.firstIndex(of: word).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
    }
    return Block(
      id: words.first.flatMap { Int($0.dropLast()) } ?? -1, relation: following("rel").map(String.init) ?? "",
      fork: following("fork").map(String.init) ?? "main", block: following("blk").flatMap { UInt32($0) } ?? .max,
      hasImage: words.contains("FPW"))
  }
}

extension LogSequenceNumber {
  /// As `pg_waldump` prints it: `0/016ED420`.
  package var waldump: String {
    let low = String(rawValue & 0xFFFF_FFFF, radix: 16, uppercase: true)
    return String(rawValue >> 32, radix: 16, uppercase: true) + "/" + String(repeating: "0", count: 8 - low.count) + low
  }
}
