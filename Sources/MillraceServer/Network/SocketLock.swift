#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The lock file beside a Unix socket (`CreateSocketLockFile`, src/backend/utils/init/miscinit.c): its name is the
/// socket's with `.lock` behind it, its first line the process that has the socket.
struct SocketLock: Sendable {
  let path: String
  let socket: String

  /// Takes a socket's name. A lock whose process is gone is taken over.
  /// - Throws: FATAL: another server has it.
  init(directory: String, port: Int, dataDirectory: String, time: Int64) throws(ErrorReport) {
    socket = "\(directory)/.s.PGSQL.\(port)"
    path = "\(socket).lock"
    guard socket.utf8.count < 108 else {
      throw ErrorReport(
        .fatal, .invalidParameterValue, "Unix-domain socket path \"\(socket)\" is too long (maximum 107 bytes)")
    }
    for _ in 0..<10 {
      let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      if descriptor >= 0 {
        defer { close(descriptor) }
        let lines = Array("\(getpid())\n\(dataDirectory)\n\(time)\n\(port)\n\(directory)\n".utf8)
        guard write(descriptor, lines, lines.count) == lines.count else {
          throw Self.problem("could not write lock file \"\(path)\"")
        }
        return
      }
      guard errno == EEXIST else { throw Self.problem("could not create lock file \"\(path)\"") }
      try removeIfStale()
    }
    throw Self.problem("could not create lock file \"\(path)\"")
  }

  private func removeIfStale() throws(ErrorReport) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    // It has gone meanwhile.
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = max(read(descriptor, &bytes, bytes.count), 0)
    let line = String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    let owner = Int32(line).map(abs) ?? 0
    let isAlive = owner > 0 && owner != getpid() && owner != getppid() && (kill(owner, 0) == 0 || errno == EPERM)
    // Another server of this very process has it locked as well.
    guard !isAlive, owner != getpid() || access(socket, F_OK) != 0 else {
      throw ErrorReport(
        .fatal, .objectInUse, "lock file \"\(path)\" already exists",
        hint: "Is another postmaster (PID \(owner)) using socket file \"\(socket)\"?")
    }
    unlink(path)
    unlink(socket)
  }

  private static func problem(_ message: String) -> ErrorReport {
    ErrorReport(.fatal, .ioError, "\(message): \(String(cString: strerror(errno)))")
  }

  /// Lets anybody on this machine connect; the rules say who is let in.
  func openToAll() { chmod(socket, 0o777) }

  /// Removes the socket and the lock.
  func release() {
    unlink(socket)
    unlink(path)
  }
}
