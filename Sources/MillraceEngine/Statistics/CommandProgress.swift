/// How far a session's long command has come: what `pg_stat_get_progress_info` shows (PostgreSQL's
/// src/backend/utils/activity/backend_progress.c). Set by the session's thread, read by any; a number costs a store.
public final class CommandProgress: Sendable {
  public enum Command: UInt64, Sendable {
    case copy = 1
    case createIndex = 2

    /// As `pg_stat_get_progress_info` is asked for it.
    public var name: String {
      switch self {
      case .copy: "COPY"
      case .createIndex: "CREATE INDEX"
      }
    }
  }

  /// Numbers of COPY, by their place (src/include/commands/progress.h).
  public enum Copy: Int, Sendable {
    case bytesProcessed, bytesTotal, tuplesProcessed, tuplesExcluded, command, kind, tuplesSkipped

    public static let from: UInt64 = 1
    public static let to: UInt64 = 2
    public static let file: UInt64 = 1
    public static let pipe: UInt64 = 3
  }

  /// Numbers of CREATE INDEX.
  public enum CreateIndex: Int, Sendable {
    case statement = 0
    case accessMethod = 8
    case phase = 9
    case subphase = 10
    case tuplesTotal = 11
    case tuplesDone = 12
    case indexRelation = 6
    case blocksTotal = 15
    case blocksDone = 16

    public static let create: UInt64 = 1
    public static let reindex: UInt64 = 3
    /// Of `phase` and `subphase`.
    public static let building: UInt64 = 2
    public static let initializing: UInt64 = 1
    public static let scanningTable: UInt64 = 2
    public static let sorting: UInt64 = 3
    public static let loading: UInt64 = 5
  }

  /// `PGSTAT_NUM_PROGRESS_PARAM`.
  public static let count = 20
  private static let commandWord = count
  private static let relationWord = count + 1
  private let words = AtomicWords(count: count + 2)

  /// A command begins; all numbers are 0.
  public func begin(_ command: Command, on relation: UInt32) {
    for index in 0..<Self.count { words.storeRelaxed(index, 0) }
    words.storeRelaxed(Self.relationWord, UInt64(relation))
    words.store(Self.commandWord, command.rawValue)
  }

  public func end() { words.store(Self.commandWord, 0) }

  @inline(__always) public func set(_ place: Copy, _ value: UInt64) { words.storeRelaxed(place.rawValue, value) }

  @inline(__always) public func add(_ place: Copy, _ value: UInt64) {
    words.storeRelaxed(place.rawValue, words.relaxed(place.rawValue) &+ value)
  }

  @inline(__always) public func set(_ place: CreateIndex, _ value: UInt64) {
    words.storeRelaxed(place.rawValue, value)
  }

  @inline(__always) public func add(_ place: CreateIndex, _ value: UInt64) {
    words.storeRelaxed(place.rawValue, words.relaxed(place.rawValue) &+ value)
  }

  /// What runs now: the command, its relation, its numbers; nil for none.
  public var now: (command: Command, relation: UInt32, numbers: [UInt64])? {
    guard let command = Command(rawValue: words.relaxed(Self.commandWord)) else { return nil }
    return (
      command, UInt32(truncatingIfNeeded: words.relaxed(Self.relationWord)), (0..<Self.count).map { words.relaxed($0) }
    )
  }
}
