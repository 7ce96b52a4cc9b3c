import Foundation
import MillraceStorage

/// A control file in the words of `pg_controldata`: label and value.
enum ControlFileReport {
  static func lines(of control: ControlFile) -> [String: String] {
    var lines = checkpointLines(of: control)
    lines.merge(layoutLines(of: control)) { first, _ in first }
    let recovery = control.recovery
    let settings = control.settings
    lines.merge([
      "pg_control version number": "\(control.version)",
      "Catalog version number": "\(control.catalogVersion)",
      "Database system identifier": "\(control.systemIdentifier)",
      "Database cluster state": "\(control.state)",
      "pg_control last modified": time(control.modificationTime),
      "Fake LSN counter for unlogged rels": "\(control.unloggedLSN)",
      "Minimum recovery ending location": "\(recovery.minimumPoint)",
      "Min recovery ending loc's timeline": "\(recovery.minimumPointTimeline)",
      "Backup start location": "\(recovery.backupStartPoint)",
      "Backup end location": "\(recovery.backupEndPoint)",
      "End-of-backup record required": recovery.backupEndRequired ? "yes" : "no",
      "wal_level setting": "\(settings.walLevel)",
      "wal_log_hints setting": onOff(settings.walLogHints),
      "max_connections setting": "\(settings.maxConnections)",
      "max_worker_processes setting": "\(settings.maxWorkerProcesses)",
      "max_wal_senders setting": "\(settings.maxWALSenders)",
      "max_prepared_xacts setting": "\(settings.maxPreparedTransactions)",
      "max_locks_per_xact setting": "\(settings.maxLocksPerTransaction)",
      "track_commit_timestamp setting": onOff(settings.trackCommitTimestamp),
    ]) { first, _ in first }
    return lines
  }

  private static func checkpointLines(of control: ControlFile) -> [String: String] {
    let checkpoint = control.checkpoint
    let segment = checkpoint.redo.rawValue / UInt64(control.walSegmentSize)
    let segmentsPerID = (1 << 32) / UInt64(control.walSegmentSize)
    let file = [UInt64(checkpoint.timeline), segment / segmentsPerID, segment % segmentsPerID].map { part in
      let digits = String(part, radix: 16, uppercase: true)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }
    return [
      "Latest checkpoint location": "\(control.checkpointLocation)",
      "Latest checkpoint's REDO location": "\(checkpoint.redo)",
      "Latest checkpoint's REDO WAL file": file.joined(),
      "Latest checkpoint's TimeLineID": "\(checkpoint.timeline)",
      "Latest checkpoint's PrevTimeLineID": "\(checkpoint.previousTimeline)",
      "Latest checkpoint's full_page_writes": onOff(checkpoint.fullPageWrites),
      "Latest checkpoint's NextXID": "\(checkpoint.nextXID >> 32):\(checkpoint.nextXID & 0xFFFF_FFFF)",
      "Latest checkpoint's NextOID": "\(checkpoint.nextOID)",
      "Latest checkpoint's NextMultiXactId": "\(checkpoint.nextMultiXact)",
      "Latest checkpoint's NextMultiOffset": "\(checkpoint.nextMultiXactOffset)",
      "Latest checkpoint's oldestXID": "\(checkpoint.oldestXID)",
      "Latest checkpoint's oldestXID's DB": "\(checkpoint.oldestXIDDatabase)",
      "Latest checkpoint's oldestActiveXID": "\(checkpoint.oldestActiveXID)",
      "Latest checkpoint's oldestMultiXid": "\(checkpoint.oldestMultiXact)",
      "Latest checkpoint's oldestMulti's DB": "\(checkpoint.oldestMultiXactDatabase)",
      "Latest checkpoint's oldestCommitTsXid": "\(checkpoint.oldestCommitTimestampXID)",
      "Latest checkpoint's newestCommitTsXid": "\(checkpoint.newestCommitTimestampXID)",
      "Time of latest checkpoint": time(checkpoint.time),
    ]
  }

  private static func layoutLines(of control: ControlFile) -> [String: String] {
    var lines = [
      "Maximum data alignment": "\(control.maximumAlignment)",
      "Database block size": "\(control.blockSize)",
      "Blocks per segment of large relation": "\(control.segmentBlocks)",
      "WAL block size": "\(control.walBlockSize)",
      "Bytes per WAL segment": "\(control.walSegmentSize)",
      "Maximum length of identifiers": "\(control.nameLength)",
      "Maximum columns in an index": "\(control.maximumIndexKeys)",
      "Maximum size of a TOAST chunk": "\(control.toastChunkSize)",
      "Size of a large-object chunk": "\(control.largeObjectChunkSize)",
      "Date/time type storage": "64-bit integers",
      "Float8 argument passing": control.float8PassedByValue ? "by value" : "by reference",
      "Data page checksum version": "\(control.dataChecksumVersion)",
      "Mock authentication nonce": control.authenticationNonce.map {
        String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
      }.joined(),
    ]
    if let isSigned = control.charIsSigned {
      lines["Default char data signedness"] = isSigned ? "signed" : "unsigned"
    }
    return lines
  }

  private static func onOff(_ value: Bool) -> String { value ? "on" : "off" }

  /// As C's `%c` prints it, in UTC.
  private static func time(_ seconds: Int64) -> String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 64)
    let length = strftime(&text, text.count, "%c", &parts)
    return String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
