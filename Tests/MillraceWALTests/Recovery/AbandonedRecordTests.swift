import Foundation
import MillraceIO
import MillraceSimulation
import MillraceStorage
import MillraceTestSupport
import Testing

@testable import MillraceWAL

/// A log that ends in the midst of a record that goes over pages: the record is given up, and the log goes on behind
/// the pages that have a part of it.
@Suite("a record that was never written to its end")
struct AbandonedRecordTests {
  struct Case: CustomTestStringConvertible {
    /// Pages that have a part of the record.
    let pages: UInt64
    /// Bytes of its first part.
    let firstPart: Int
    /// Pages from where it starts to the segment's end.
    let pagesLeft: UInt64
    /// What lies where the rest should be: zeros, or what was there before.
    let isRecycled: Bool

    var testDescription: String {
      "\(pages) pages, \(firstPart) bytes on the first, \(pagesLeft) to the segment's end, \(isRecycled)"
    }

    static let all: [Case] = [1, 2, 3].flatMap { pages in
      [8, 16, 24, 4000].flatMap { firstPart in
        [1, 2, 30].flatMap { pagesLeft in
          [false, true].map { Case(pages: pages, firstPart: firstPart, pagesLeft: pagesLeft, isRecycled: $0) }
        }
      }
    }
  }

  /// A cluster whose log was cut off in the midst of its last record.
  private func crashed(_ made: Case) throws -> (cluster: SmallCluster, record: LogSequenceNumber, missing: UInt64) {
    let cluster = try SmallCluster(blocks: 1)
    let log = cluster.log
    let end = 2 * log.geometry.segmentSize - made.pagesLeft * 8192 + 8192
    // Up to where as much of the page is left as the record is to have of it.
    while log.position.rawValue < end - UInt64(made.firstPart) {
      let left = end - UInt64(made.firstPart) - log.position.rawValue
      let room = Int(min(left, 8192 - log.position.rawValue % 8192))
      let data = room - WALLayout.recordHeaderSize
      try #require(data >= 0)
      log.append(.xlog, info: XLOGRecordKind.noop.rawValue) { builder in
        guard data > 0 else { return }
        builder.appendData(copying: [UInt8](repeating: 3, count: data - (data <= 257 ? 2 : 5)))
      }
    }
    let record = log.append(.xlog, info: XLOGRecordKind.noop.rawValue) {
      $0.appendData(copying: [UInt8](repeating: 5, count: 40_000))
    }
    try #require(record.start.rawValue == end - UInt64(made.firstPart))
    let missing = end + (made.pages - 1) * 8192
    log.loseTail(from: LogSequenceNumber(missing), isRecycled: made.isRecycled)
    return (cluster, record.start, missing)
  }

  private func openLog(_ rig: RecoveryRig, _ report: RecoveryReport) throws -> WriteAheadLog {
    var configuration = WALConfiguration(directory: "pg_wal", systemIdentifier: SampleLog.systemIdentifier)
    configuration.fileSystem = rig.simulation.disk
    configuration.segmentSize = 1 << 20
    configuration.bufferPages = 16
    configuration.hugePages = .off
    configuration.clock = { 815_000_000_000_000 }
    return try WriteAheadLog(
      engine: rig.simulation.engine, configuration, at: report.resumePoint, backend: rig.backend)
  }

  @Test("is overwritten from its first missing page on, and recovery reads over it", arguments: Case.all)
  func overwritten(made: Case) throws {
    let (cluster, record, missing) = try crashed(made)
    let first = try cluster.rig()
    let report = try first.recovery().run()
    #expect(report.endPosition == record && report.abortedRecord == record)
    #expect(report.missingContinuation == LogSequenceNumber(missing))
    #expect(report.resumePoint.position == LogSequenceNumber(missing))

    var log = try openLog(first, report)
    let header = try #require(cluster.disk.contents(of: "pg_wal/\(cluster.log.fileName(missing >> 20))"))
      .withUnsafeBytes { $0.baseAddress.map { WALPageHeader($0 + Int(missing & 0xFFFFF)) } }
    #expect(header?.flags.contains(.overwritesContinuation) == true)
    #expect(header?.flags.contains(.firstIsContinuation) == false)
    var (_, last) = try WALRig.insert([1, 2, 3], log, WALRecordBuilder(), first.backend)
    try log.flush(upTo: last, backend: first.backend)
    log.close(backend: first.backend)

    // Read over, and gone on with once more.
    for count in UInt64(2)...3 {
      let rig = try RecoveryRig(seed: count, disk: cluster.disk, control: cluster.control)
      let again = try rig.recovery().run()
      #expect(again.endPosition == last && again.abortedRecord == nil)
      #expect(again.recordCount == report.recordCount + count)
      log = try openLog(rig, again)
      (_, last) = try WALRig.insert([4], log, WALRecordBuilder(), rig.backend)
      try log.flush(upTo: last, backend: rig.backend)
      log.close(backend: rig.backend)
    }
  }

  @Test(
    "PostgreSQL's pg_waldump reads over it", .enabled(if: PostgresInstallation.isExpected(18)),
    arguments: [
      Case(pages: 1, firstPart: 16, pagesLeft: 1, isRecycled: true),
      Case(pages: 3, firstPart: 4000, pagesLeft: 9, isRecycled: false),
    ])
  func waldump(made: Case) throws {
    let (cluster, record, missing) = try crashed(made)
    let rig = try cluster.rig()
    let report = try rig.recovery().run()
    let log = try openLog(rig, report)
    let (_, last) = try WALRig.insert([1, 2, 3], log, WALRecordBuilder(), rig.backend)
    try log.flush(upTo: last, backend: rig.backend)
    log.close(backend: rig.backend)
    let directory = try TemporaryDirectory()
    for name in try cluster.disk.list("pg_wal") {
      try directory.write(try #require(cluster.disk.contents(of: "pg_wal/\(name)")), to: "pg_wal/\(name)")
    }
    try PostgresCluster.giveToServer(directory.path)
    let start = cluster.log.entries[0].start
    let dump = try Waldump(
      PostgresInstallation.required(18), directory: directory.path + "/pg_wal", start: start, end: last)
    #expect(dump.errors == "")
    let bench = try LogBench(.sync, directory: directory.path + "/pg_wal")
    let reader = try bench.reader(start, segmentSize: 1 << 20)
    let ours = try reader.readAll()
    #expect(ours.count == dump.records.count)
    for (found, expected) in zip(ours, dump.records) { #expect(found.matches(expected)) }
    let overwrite = try #require(dump.records.dropLast().last)
    #expect(overwrite.description.hasPrefix("OVERWRITE_CONTRECORD lsn \(record); time 2025-10-28 "))
    #expect(LogSequenceNumber(missing) < last)
    reader.close()
  }
}
