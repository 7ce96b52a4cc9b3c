import MillraceIO
import MillraceStorage
import Testing

@testable import MillraceWAL

@Suite("wal_sync_method=auto")
struct SyncMethodChoiceTests {
  @Test("the faster way wins, and a tie goes to fdatasync")
  func winner() {
    #expect(SyncMethodMeasurement(volume: "a", fdatasync: 10, openDatasync: 9).winner == .openDatasync)
    #expect(SyncMethodMeasurement(volume: "a", fdatasync: 10, openDatasync: 10).winner == .fdatasync)
    #expect(SyncMethodMeasurement(volume: "a", fdatasync: 10, openDatasync: 11).winner == .fdatasync)
    #expect(SyncMethodMeasurement(volume: "a", fdatasync: 10, openDatasync: nil).winner == .fdatasync)
  }

  @Test("a measurement survives its file")
  func text() {
    for openDatasync in [12.25, nil] {
      let measurement = SyncMethodMeasurement(volume: "device 65024", fdatasync: 812.5, openDatasync: openDatasync)
      #expect(SyncMethodMeasurement(text: measurement.text) == measurement)
    }
    #expect(SyncMethodMeasurement(text: "") == nil)
    #expect(SyncMethodMeasurement(text: "volume = a\nfdatasync = x\nopen_datasync = 1\n") == nil)
    #expect(SyncMethodMeasurement(text: "volume = a\nfdatasync = 1\n") == nil)
  }

  @Test("is measured once for a volume, works, and leaves nothing but its result")
  func measuredOnce() throws {
    let rig = try WALRig(WALSetup(kind: .sync, syncMethod: .auto))
    #expect(rig.log.syncMethod == .fdatasync || rig.log.syncMethod == .openDatasync)
    #expect(rig.log.syncMethodReason?.hasSuffix("measured now") == true)
    #expect(rig.names == ["millrace_sync_method"])
    let (start, end) = try rig.insert([1])
    try rig.log.flush(upTo: end, backend: rig.backend)
    #expect(rig.image().records.count == 1)

    // What the file says is believed: both ways, whatever this disk is like.
    let measured = try #require(SyncMethodMeasurement.read(rig.configuration))
    for openDatasync in [measured.fdatasync / 2, measured.fdatasync * 2] {
      let other = SyncMethodMeasurement(
        volume: measured.volume, fdatasync: measured.fdatasync, openDatasync: openDatasync)
      try other.write(rig.configuration)
      try rig.reopen(at: WALResumePoint(position: end, lastRecord: start, redoPosition: start))
      #expect(rig.log.syncMethod == other.winner)
      #expect(rig.log.isDirect == (other.winner == .openDatasync))
      #expect(rig.log.syncMethodReason == "\(other.reason), measured earlier on this volume")
      let (_, last) = try rig.insert([2])
      try rig.log.flush(upTo: last, backend: rig.backend)
    }
    // Another volume's result is not.
    try SyncMethodMeasurement(volume: "elsewhere", fdatasync: 1, openDatasync: 2).write(rig.configuration)
    try rig.reopen(at: WALResumePoint(position: end, lastRecord: start, redoPosition: start))
    #expect(SyncMethodMeasurement.read(rig.configuration)?.volume == measured.volume)
  }
}
