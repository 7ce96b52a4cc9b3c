import ArgumentParser
import MillraceEngine
import MillraceSettings

/// The options of every command that opens a cluster.
struct DatabaseOptions: ParsableArguments {
  @Option(name: .customShort("D"), help: ArgumentHelp("The data directory.", valueName: "directory"))
  var directory: String

  @Option(
    name: .customLong("io-method"),
    help: ArgumentHelp("How I/O is executed: worker, sync, io_uring, posix_aio or auto.", valueName: "method"))
  var ioMethod: String?

  @Option(
    name: .customLong("io-direct"),
    help: ArgumentHelp("What bypasses the page cache: any of data, wal, wal_init.", valueName: "list"))
  var ioDirect: String?

  @Option(
    name: .customLong("wal-sync-method"),
    help: ArgumentHelp(
      "What makes the log durable: fdatasync, fsync, open_datasync, open_sync or auto.", valueName: "method"))
  var walSyncMethod: String?

  @Option(
    name: .customShort("c"),
    help: ArgumentHelp(
      "Sets a setting, over what the cluster's own files say. May be repeated.", valueName: "name=value"))
  var assignments: [String] = []

  /// - Parameters:
  ///   - sessionsMax: sessions at the same time.
  ///   - defaults: the command's own settings, which the cluster's files and the command line can change.
  func configuration(sessionsMax: Int, defaults: [String] = []) throws -> DatabaseConfiguration {
    var configuration = DatabaseConfiguration(path: directory)
    configuration.sessionsMax = sessionsMax
    configuration.defaults = try (["io_method=auto"] + defaults).map { try SettingAssignment($0) }
    configuration.assignments = try assignments.map { try SettingAssignment($0) }
    for (name, value) in [("io_method", ioMethod), ("io_direct", ioDirect), ("wal_sync_method", walSyncMethod)] {
      if let value { configuration.assignments.append(try SettingAssignment("\(name)=\(value)")) }
    }
    configuration.onNotice = { Output.noteLine($0) }
    return configuration
  }

  /// Whether the command line says something of a setting.
  func sets(_ name: String) -> Bool {
    assignments.contains { (try? SettingAssignment($0))?.name.lowercased() == name }
  }
}
