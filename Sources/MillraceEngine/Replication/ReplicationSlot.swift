public import MillraceStorage

/// A replication slot: keeps the log that somebody still needs, whether he is connected or not
/// (src/backend/replication/slot.c).
public struct ReplicationSlot: Sendable, Hashable {
  public enum Persistency: UInt32, Sendable {
    case persistent = 0
    /// Gone after a crash; becomes persistent when it is complete.
    case ephemeral = 1
    /// Gone with its session.
    case temporary = 2
  }

  public let name: String
  public var persistency: Persistency
  /// Log from here on is kept; invalid where nothing has been reserved yet.
  public var restartPosition: LogSequenceNumber
  /// Whether log that it needed is gone, because it held back more than `max_slot_wal_keep_size`.
  public var isInvalidated = false
  /// The session that uses it, by the number that clients know; nil where none does.
  public var activeProcessID: UInt32?

  public init(name: String, persistency: Persistency, restartPosition: LogSequenceNumber = .invalid) {
    (self.name, self.persistency, self.restartPosition) = (name, persistency, restartPosition)
  }

  /// Whether PostgreSQL would take the name: at most 63 lower-case letters, digits and underscores.
  static func problem(withName name: String) -> String? {
    if name.isEmpty { return "replication slot name \"\(name)\" is too short" }
    if name.utf8.count > 63 { return "replication slot name \"\(name)\" is too long" }
    let isValid = name.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "_")
    }
    return isValid ? nil : "replication slot name \"\(name)\" contains invalid character"
  }
}

/// Why something could not be done with a replication slot, in PostgreSQL's words.
public struct ReplicationSlotError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    case invalidName
    case duplicate
    case undefined
    /// Another session uses it.
    case inUse
    /// There are `max_replication_slots`.
    case tooMany
    /// What it needed is gone.
    case invalidated
    /// It cannot be kept on disk.
    case io
  }

  public let code: Code
  public let message: String
  public let hint: String?

  init(_ code: Code, _ message: String, hint: String? = nil) {
    (self.code, self.message, self.hint) = (code, message, hint)
  }

  public var description: String { message }
}

/// A slot's file: PostgreSQL 18's `ReplicationSlotOnDisk`, version 5.
///
///     magic 4 | CRC-32C of all behind it 4 | version 4 | length of the rest 4
///     name 64 | database 4 | persistency 4 | xmin 4 | catalog xmin 4 | restart position 8
///     cause of invalidation 4 | 4 | confirmed flush 8 | two-phase position 8 | two-phase 1
///     plugin 64 | synced 1 | failover 1 | 5
enum ReplicationSlotFile {
  static let magic: UInt32 = 0x0105_1CA1
  static let version: UInt32 = 5
  static let headerSize = 16
  static let dataSize = 184
  static let size = headerSize + dataSize

  private enum Offset {
    static let database = 64
    static let persistency = 68
    static let restartPosition = 80
    static let invalidated = 88
    static let plugin = 113
  }

  /// RS_INVAL_WAL_REMOVED.
  private static let walRemoved: UInt32 = 1

  static func encode(_ slot: ReplicationSlot) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: size)
    put(magic, at: 0, &bytes)
    put(version, at: 8, &bytes)
    put(UInt32(dataSize), at: 12, &bytes)
    for (index, byte) in slot.name.utf8.prefix(63).enumerated() { bytes[headerSize + index] = byte }
    put(slot.persistency.rawValue, at: headerSize + Offset.persistency, &bytes)
    put(slot.restartPosition.rawValue, at: headerSize + Offset.restartPosition, &bytes)
    put(slot.isInvalidated ? walRemoved : 0, at: headerSize + Offset.invalidated, &bytes)
    put(checksum(bytes), at: 4, &bytes)
    return bytes
  }

  /// - Throws: what is wrong with it, in one sentence.
  static func decode(_ bytes: [UInt8]) throws(ReplicationSlotError) -> ReplicationSlot {
    func refuse(_ what: String) -> ReplicationSlotError { ReplicationSlotError(.io, what) }
    guard bytes.count >= headerSize else { throw refuse("is too short") }
    guard get(UInt32.self, at: 0, bytes) == magic else { throw refuse("has wrong magic number") }
    guard get(UInt32.self, at: 8, bytes) == version else {
      throw refuse("has unsupported version \(get(UInt32.self, at: 8, bytes))")
    }
    guard get(UInt32.self, at: 12, bytes) == UInt32(dataSize), bytes.count >= size else {
      throw refuse("has corrupted length \(get(UInt32.self, at: 12, bytes))")
    }
    let bytes = Array(bytes[..<size])
    guard get(UInt32.self, at: 4, bytes) == checksum(bytes) else { throw refuse("has a wrong checksum") }
    guard get(UInt32.self, at: headerSize + Offset.database, bytes) == 0, bytes[headerSize + Offset.plugin] == 0 else {
      throw refuse("is of a logical slot, which is not supported")
    }
    let name = String(decoding: bytes[headerSize..<headerSize + 64].prefix { $0 != 0 }, as: UTF8.self)
    let persistency = get(UInt32.self, at: headerSize + Offset.persistency, bytes)
    var slot = ReplicationSlot(
      name: name, persistency: ReplicationSlot.Persistency(rawValue: persistency) ?? .ephemeral,
      restartPosition: LogSequenceNumber(get(UInt64.self, at: headerSize + Offset.restartPosition, bytes)))
    slot.isInvalidated = get(UInt32.self, at: headerSize + Offset.invalidated, bytes) != 0
    return slot
  }

  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var checksum = CRC32C()
    Array(bytes[8...]).withBytes { checksum.update($0) }
    return checksum.value
  }

  private static func put<Value: FixedWidthInteger>(_ value: Value, at offset: Int, _ bytes: inout [UInt8]) {
    for index in 0..<MemoryLayout<Value>.size {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> Value(index * 8))
    }
  }

  private static func get<Value: FixedWidthInteger>(_: Value.Type, at offset: Int, _ bytes: [UInt8]) -> Value {
    (0..<MemoryLayout<Value>.size).reduce(0) { $0 | Value(truncatingIfNeeded: bytes[offset + $1]) << Value($1 * 8) }
  }
}
