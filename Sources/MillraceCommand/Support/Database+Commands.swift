import MillraceEngine
import MillraceSettings

extension Database {
  /// Opens a cluster, lets somebody work with it, and closes it.
  /// - Returns: what the work has resulted in, once the cluster is closed.
  static func whileOpen<Result>(
    _ configuration: DatabaseConfiguration, _ body: (Database) throws -> Result
  ) throws -> Result {
    let database = try Database.open(configuration)
    let result: Result
    do {
      result = try body(database)
    } catch {
      // What went wrong first is what counts.
      try? database.close()
      throw error
    }
    try database.close()
    return result
  }

  /// The setting `io_direct`, as reports have it.
  var ioDirectText: String { (try? settings.show("io_direct")) ?? "" }
}

extension Format {
  /// How files are accessed, by the text of `io_direct`.
  static func access(ioDirect: String) -> String { ioDirect.isEmpty ? "buffered" : "io_direct=\(ioDirect)" }
}
