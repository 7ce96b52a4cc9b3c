#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Whether a PostgreSQL server is using a data directory, as far as its `postmaster.pid` tells.
public enum ServerStatus: Sendable, Hashable {
  /// There is no `postmaster.pid`.
  case notRunning
  /// The process that wrote `postmaster.pid` is gone: the server was killed, or the machine crashed.
  case stale(processID: Int32)
  /// There is a process with the number in `postmaster.pid`.
  ///
  /// It need not be a server: numbers are used again. PostgreSQL takes it for one, too. A server that runs in another
  /// container, with process numbers of its own, is not seen; then `ControlFile.state` is the only sign.
  case running(processID: Int32)

  static let fileName = "postmaster.pid"

  /// - Parameter contents: The contents of `postmaster.pid`, or `nil` if it is not there.
  init(contents: [UInt8]?, path: String) throws(ClusterError) {
    guard let contents else {
      self = .notRunning
      return
    }
    let line = contents.prefix { $0 != UInt8(ascii: "\n") }
    // A single-user server writes its number as a negative one.
    guard let number = Int32(String(decoding: line, as: UTF8.self)), number != 0, number != .min else {
      throw .malformedPIDFile(path: path)
    }
    let processID = abs(number)
    // Our own number can only be one that was used again.
    guard processID != getpid() else {
      self = .stale(processID: processID)
      return
    }
    let exists = kill(processID, 0) == 0 || errno == EPERM
    self = exists ? .running(processID: processID) : .stale(processID: processID)
  }
}
