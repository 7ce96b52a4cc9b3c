public import MillraceIO
import MillraceStorage
public import MillraceWAL

/// Repeats, names and describes the records that make and remove the directories of databases (PostgreSQL's dbase_redo,
/// src/backend/commands/dbcommands.c, and dbasedesc.c).
public final class DatabaseResourceManager: ResourceManager {
  /// `XLOG_DBASE_CREATE_WAL_LOG`, `XLOG_DBASE_DROP`. A database whose files were copied without log is not made here.
  static let createInfo: UInt8 = 0x10
  static let dropInfo: UInt8 = 0x20

  private let files: DatabaseFiles

  /// - Parameter directory: the cluster's.
  public init(_ fileSystem: IOFileSystem, directory: String) {
    files = DatabaseFiles(fileSystem, directory: directory)
    super.init(.database)
  }

  public override func identify(_ info: UInt8) -> String? {
    switch info {
    case 0x00: "CREATE_FILE_COPY"
    case Self.createInfo: "CREATE_WAL_LOG"
    case Self.dropInfo: "DROP"
    default: nil
    }
  }

  public override func describe(_ record: WALRecord) -> String {
    guard let fields = try? fields(record) else { return "" }
    switch record.info {
    case Self.createInfo: return "create dir \(fields.tablespaces.first ?? 0)/\(fields.database)"
    case Self.dropInfo: return "dir" + fields.tablespaces.map { " \($0)/\(fields.database)" }.joined()
    default: return ""
    }
  }

  private func fields(_ record: WALRecord) throws(EngineError) -> (database: UInt32, tablespaces: [UInt32]) {
    var fields = RecordFields(record.mainData)
    let database = try fields.next(UInt32.self)
    guard record.info == Self.dropInfo else { return (database, [try fields.next(UInt32.self)]) }
    var tablespaces: [UInt32] = []
    for _ in 0..<(try fields.next(UInt32.self)) { tablespaces.append(try fields.next(UInt32.self)) }
    return (database, tablespaces)
  }

  public override func redo(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    guard record.info == Self.createInfo || record.info == Self.dropInfo else { throw unknown(record) }
    do throws(EngineError) {
      let database = try fields(record).database
      do throws(IOError) {
        if record.info == Self.createInfo {
          try files.make(database, isRedo: true)
        } else {
          for number in try files.relationNumbers(of: database) {
            try dropRelation(number, of: database, context)
          }
          context.forgetDatabase(database)
          try files.remove(database)
        }
      } catch {
        throw EngineError(error)
      }
    } catch {
      throw RecoveryError(error.code == .corrupted ? .corrupted : .io, error.message)
    }
  }

  private func dropRelation(
    _ number: UInt32, of database: UInt32, _ context: RedoContext
  ) throws(IOError) {
    let locator = RelationLocator(
      tablespace: RelationLocator.defaultTablespace, database: database, relNumber: number)
    do throws(RecoveryError) {
      try context.dropRelation(locator)
    } catch {
      throw IOError(.systemCall, message: error.description)
    }
  }
}

/// Repeats, names and describes the records that write relation maps (PostgreSQL's relmap_redo,
/// src/backend/utils/cache/relmapper.c, and relmapdesc.c).
public final class RelationMapResourceManager: ResourceManager {
  /// `XLOG_RELMAP_UPDATE`.
  static let updateInfo: UInt8 = 0x00

  private let files: DatabaseFiles

  public init(_ fileSystem: IOFileSystem, directory: String) {
    files = DatabaseFiles(fileSystem, directory: directory)
    super.init(.relationMap)
  }

  public override func identify(_ info: UInt8) -> String? { info == Self.updateInfo ? "UPDATE" : nil }

  public override func describe(_ record: WALRecord) -> String {
    var fields = RecordFields(record.mainData)
    guard record.info == Self.updateInfo, let database = try? fields.next(UInt32.self),
      let tablespace = try? fields.next(UInt32.self), let count = try? fields.next(UInt32.self)
    else { return "" }
    return "database \(database) tablespace \(tablespace) size \(count)"
  }

  public override func redo(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    guard record.info == Self.updateInfo else { throw unknown(record) }
    do throws(EngineError) {
      var fields = RecordFields(record.mainData)
      let database = try fields.next(UInt32.self)
      _ = try fields.next(UInt32.self)
      let count = Int(try fields.next(UInt32.self))
      let bytes = [UInt8](record.mainData.dropFirst(12))
      guard bytes.count == count, let map = RelationMap(parsing: bytes) else {
        throw EngineError(.corrupted, "the WAL record at \(record.start) does not hold a relation map")
      }
      do throws(IOError) { try files.write(map, of: database) } catch { throw EngineError(error) }
    } catch {
      throw RecoveryError(error.code == .corrupted ? .corrupted : .io, error.message)
    }
  }
}
