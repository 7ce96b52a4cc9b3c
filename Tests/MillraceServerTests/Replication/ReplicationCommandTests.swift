import MillraceStorage
import Testing

@testable import MillraceServer

@Suite("Replication commands")
struct ReplicationCommandTests {
  @Test("what PostgreSQL's clients send is understood")
  func commands() throws {
    let position = LogSequenceNumber(0x1_0600_0000)
    let expected: [(String, ReplicationCommand)] = [
      ("IDENTIFY_SYSTEM", .identifySystem), ("identify_system;", .identifySystem),
      ("SHOW wal_segment_size", .show("wal_segment_size")), ("SHOW a.b", .show("a.b")),
      ("TIMELINE_HISTORY 3", .timelineHistory(3)), ("READ_REPLICATION_SLOT s1", .readSlot(name: "s1")),
      ("DROP_REPLICATION_SLOT \"s1\"", .dropSlot(name: "s1", waits: false)),
      ("DROP_REPLICATION_SLOT s1 WAIT", .dropSlot(name: "s1", waits: true)),
      ("CREATE_REPLICATION_SLOT s PHYSICAL", .createSlot(name: "s", isTemporary: false, reservesWAL: false)),
      (
        "CREATE_REPLICATION_SLOT \"s\" TEMPORARY PHYSICAL RESERVE_WAL",
        .createSlot(name: "s", isTemporary: true, reservesWAL: true)
      ),
      (
        "CREATE_REPLICATION_SLOT s PHYSICAL (RESERVE_WAL)",
        .createSlot(name: "s", isTemporary: false, reservesWAL: true)
      ),
      (
        "CREATE_REPLICATION_SLOT s PHYSICAL (RESERVE_WAL false)",
        .createSlot(name: "s", isTemporary: false, reservesWAL: false)
      ),
      ("START_REPLICATION 1/6000000 TIMELINE 1", .start(slot: nil, position: position, timeline: 1)),
      ("START_REPLICATION SLOT \"s\" PHYSICAL 1/6000000", .start(slot: "s", position: position, timeline: nil)),
    ]
    for (text, command) in expected { #expect(try ReplicationCommand(text) == command, "\(text)") }
    #expect(try ReplicationCommand("select 1") == nil)
    #expect(try ReplicationCommand("") == nil)
  }

  @Test(
    "what is not right is a syntax error, and what is not there 0A000",
    arguments: [
      ("IDENTIFY_SYSTEM x", "42601"), ("SHOW", "42601"), ("TIMELINE_HISTORY", "42601"), ("TIMELINE_HISTORY 0", "42601"),
      ("START_REPLICATION", "42601"), ("START_REPLICATION 0", "42601"), ("START_REPLICATION 0/123456789", "42601"),
      ("START_REPLICATION SLOT s LOGICAL 0/1", "0A000"), ("CREATE_REPLICATION_SLOT s", "42601"),
      ("CREATE_REPLICATION_SLOT s LOGICAL x", "0A000"), ("CREATE_REPLICATION_SLOT s PHYSICAL (x)", "42601"),
      ("BASE_BACKUP", "0A000"), ("DROP_REPLICATION_SLOT \"s", "42601"),
    ])
  func refusals(text: String, state: String) {
    do {
      _ = try ReplicationCommand(text)
      Issue.record("\(text) was accepted")
    } catch {
      #expect(error.state.description == state, "\(text): \(error)")
    }
  }

  @Test("lag is the time from sending to the answer, and gone when there is nothing new")
  func lag() {
    var tracker = LagTracker()
    tracker.sent(LogSequenceNumber(10), at: 1000)
    tracker.sent(LogSequenceNumber(20), at: 2000)
    var lags = tracker.answered(
      written: LogSequenceNumber(20), flushed: LogSequenceNumber(10), applied: .invalid, isIdle: false, at: 2500)
    #expect(lags.write == 500 && lags.flush == 1500 && lags.apply == nil)
    lags = tracker.answered(
      written: LogSequenceNumber(20), flushed: LogSequenceNumber(20), applied: .invalid, isIdle: false, at: 3000)
    #expect(lags.write == 500 && lags.flush == 1000)
    lags = tracker.answered(
      written: LogSequenceNumber(20), flushed: LogSequenceNumber(20), applied: .invalid, isIdle: true, at: 9000)
    #expect(lags.write == nil && lags.flush == nil)
    // However much is sent, little is kept.
    for number in 0..<5000 { tracker.sent(LogSequenceNumber(UInt64(100 + number)), at: UInt64(10_000 + number)) }
    lags = tracker.answered(
      written: LogSequenceNumber(5200), flushed: LogSequenceNumber(5200), applied: .invalid, isIdle: false, at: 20_000)
    #expect(lags.write == 20_000 - 14_999)
  }
}
