import MillraceIO

/// A file that is there only as long as it is open: its name goes as soon as it is made, so that nothing stays behind,
/// whatever becomes of the process. PostgreSQL's `base/pgsql_tmp`.
final class TemporaryFile {
  let file: IOFile
  private let engine: IOEngine

  /// - Parameters:
  ///   - directory: made if it is not there.
  ///   - number: unlike that of any other temporary file that is being made in this process.
  init(_ fileSystem: IOFileSystem, directory: String, number: UInt64, _ engine: IOEngine) throws(IOError) {
    self.engine = engine
    let path = "\(directory)/pgsql_tmp\(number)"
    do throws(IOError) {
      file = try fileSystem.open(path, [.write, .create, .truncate])
    } catch {
      // The first one.
      if try !fileSystem.exists(directory) { try fileSystem.makeDirectory(directory) }
      file = try fileSystem.open(path, [.write, .create, .truncate])
    }
    try fileSystem.remove(path)
  }

  deinit { engine.close(file) }
}
