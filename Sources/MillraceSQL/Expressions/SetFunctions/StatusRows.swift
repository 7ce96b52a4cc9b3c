import MillraceEngine
import MillraceTypes

/// A function that shows the server's state: its rows come as texts from the session.
final class StatusRows: SetFunction {
  private unowned let environment: any SessionEnvironment
  private let view: String
  private let types: [TypeID]
  private var rows: [[String?]] = []
  private var position = 0
  private var context: ExecutionContext?

  /// Functions whose rows the session gives.
  private static let known: Set<String> = [
    "pg_show_all_settings", "pg_stat_get_activity", "pg_lock_status", "pg_prepared_statement", "pg_cursor",
    "pg_get_aios", "pg_stat_get_io", "pg_stat_get_wal", "pg_stat_get_wal_senders", "pg_get_replication_slots",
    "pg_stat_get_progress_info",
  ]

  /// - Returns: nil where the session shows nothing by that name.
  init?(_ function: FunctionEntry, _ environment: any SessionEnvironment) {
    guard Self.known.contains(function.name) || OwnFunction.names.contains(function.name) else {
      return nil
    }
    (view, self.environment) = (function.name, environment)
    // The columns are the function's output arguments.
    types = zip(function.allArguments, function.modes).filter { $0.1 == UInt8(ascii: "o") }.map(\.0)
    super.init()
  }

  override var columnCount: Int { types.count }

  override func start(_ call: CallFrame) throws(SQLError) {
    // pg_stat_get_progress_info is asked for one command.
    let name = view == "pg_stat_get_progress_info" ? "\(view) \(call.text(0).string)" : view
    (rows, position, context) = (try environment.statusRows(name) ?? [], 0, call.context)
    // pg_stat_get_activity(pid) shows one session.
    if view == "pg_stat_get_activity", call.count > 0, !call.nulls[0] {
      let pid = call.arguments[0].int32
      rows = rows.filter { $0.count > 1 && $0[1] == "\(pid)" }
    }
  }

  override func next(_ values: UnsafeMutablePointer<Datum?>, _ arena: Arena) throws(SQLError) -> Bool {
    guard position < rows.count, let context else { return false }
    let row = rows[position]
    position += 1
    for (index, type) in types.enumerated() {
      guard index < row.count, let text = row[index] else {
        values[index] = nil
        continue
      }
      let bytes = arena.copy(text)
      guard TypeDescriptor.builtIn[type] != nil else {
        values[index] = bytes
        continue
      }
      values[index] = try ValueText(ValueType(type), context).value(of: bytes.bytes, arena)
    }
    return true
  }
}
