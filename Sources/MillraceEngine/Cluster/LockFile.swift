#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
import MillraceIO
import Synchronization

/// `postmaster.pid`: keeps two processes, or two databases of one process, from using a data directory at the same
/// time. Its lines are PostgreSQL's, so that PostgreSQL's programs see that somebody is there.
///
/// Beside what it says the file is locked (`flock`), which ends with the process however that ends: a number in it that
/// another process has got meanwhile keeps nobody out who can have the lock.
final class LockFile: Sendable {
  private let fileSystem: IOFileSystem
  private let path: String
  private let key: String
  private let file: IOFile
  private let directory: String
  private let time: Int64

  /// The directories that this process uses, each with its file system: simulated disks are told apart by where they
  /// are in memory, which must not come to be another's.
  private static let held = Mutex<[String: IOFileSystem]>([:])

  /// Takes the directory.
  /// - Throws: ``EngineError`` `.cluster`: somebody else has it.
  init(_ fileSystem: IOFileSystem, directory: String, time: Int64) throws(EngineError) {
    (self.fileSystem, self.directory, self.time) = (fileSystem, directory, time)
    let path = "\(directory)/\(ClusterLayout.lockFile)"
    self.path = path
    let key = "\(Self.identity(fileSystem)) \(Self.resolved(directory))"
    self.key = key
    let isFree = Self.held.withLock { held in
      if held[key] != nil { return false }
      held[key] = fileSystem
      return true
    }
    guard isFree else {
      throw EngineError(.cluster, "data directory \"\(directory)\" is in use by another database of this process")
    }
    do throws(EngineError) {
      file = try Self.open(fileSystem, path, directory: directory, time: time)
    } catch {
      Self.held.withLock { _ = $0.removeValue(forKey: key) }
      throw error
    }
  }

  /// Simulated disks have paths of their own each.
  private static func identity(_ fileSystem: IOFileSystem) -> String {
    fileSystem is LocalFileSystem ? "" : "\(ObjectIdentifier(fileSystem))"
  }

  private static func resolved(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func open(
    _ fileSystem: IOFileSystem, _ path: String, directory: String, time: Int64
  ) throws(EngineError) -> IOFile {
    let file: IOFile
    do throws(IOError) { file = try fileSystem.open(path, [.write, .create]) } catch { throw EngineError(error) }
    do throws(EngineError) {
      guard file.descriptor < 0 || flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw inUse(path, nil) }
      do throws(IOError) {
        try checkOwner(of: file, path)
        try write(to: file, directory: directory, time: time, port: 0, socketDirectory: "", address: "")
      } catch {
        throw EngineError(error.code == .invalidConfiguration ? .cluster : .io, error.description)
      }
      return file
    } catch {
      file.close()
      throw error
    }
  }

  private static func write(
    to file: IOFile, directory: String, time: Int64, port: Int, socketDirectory: String, address: String
  ) throws(IOError) {
    let lines = "\(getpid())\n\(directory)\n\(time)\n\(port)\n\(socketDirectory)\n\(address)\n\nready   \n"
    try file.truncate(to: 0)
    try Array(lines.utf8).withBytes { bytes throws(IOError) in try file.writeWhole(at: 0, bytes) }
    try file.syncWhole()
  }

  /// Says where a server of the directory listens, for `pg_ctl` and others who look there.
  func announce(port: Int, socketDirectory: String, address: String) throws(IOError) {
    try Self.write(
      to: file, directory: directory, time: time, port: port, socketDirectory: socketDirectory, address: address)
  }

  /// A server of PostgreSQL does not lock the file: it counts that its process is there.
  private static func checkOwner(of file: IOFile, _ path: String) throws(IOError) {
    let size = try file.size()
    guard size > 0 else { return }
    var bytes = [UInt8](repeating: 0, count: Int(min(size, 4096)))
    let filled = try bytes.withMutableBytes { memory throws(IOError) in try file.readWhole(at: 0, memory) }
    let line = bytes.prefix(filled).prefix { $0 != UInt8(ascii: "\n") }
    guard let number = Int32(String(decoding: line, as: UTF8.self)), number != 0, number != .min else { return }
    let processID = abs(number)
    guard file.descriptor >= 0, processID != getpid(), processID != getppid() else { return }
    if kill(processID, 0) == 0 || errno == EPERM {
      throw IOError(.invalidConfiguration, message: inUse(path, processID).message)
    }
  }

  private static func inUse(_ path: String, _ processID: Int32?) -> EngineError {
    let who = processID.map { "process \($0)" } ?? "another process"
    return EngineError(
      .cluster,
      "lock file \"\(path)\" is held by \(who); end it first, or, if it has nothing to do with this directory, remove"
        + " the file")
  }

  /// Gives the directory back.
  func release() {
    try? fileSystem.remove(path)
    close()
    Self.held.withLock { _ = $0.removeValue(forKey: key) }
  }

  /// Gives it back as a process that is killed does: the file stays.
  func abandon() {
    close()
    Self.held.withLock { _ = $0.removeValue(forKey: key) }
  }

  /// Unlocks it by hand: a child that is about to become another program has a copy of the descriptor for a moment, and
  /// as long as there is a copy closing ours unlocks nothing.
  private func close() {
    if file.descriptor >= 0 { flock(file.descriptor, LOCK_UN) }
    file.close()
  }
}
