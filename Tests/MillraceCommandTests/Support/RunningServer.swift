import Foundation
import MillraceTestSupport

/// `millrace serve` on the cluster in a directory's `data`; it listens at a Unix socket only, in the directory itself.
final class RunningServer {
  static let ready = "LOG:  database system is ready to accept connections\n"

  let process: ChildProcess
  private let pipe: Pipe
  private(set) var log = ""

  init(_ directory: TemporaryDirectory, _ arguments: [String] = []) throws {
    pipe = try Pipe()
    process = try Millrace.start(
      ["serve", "-D", directory.path + "/data", "-h", "", "-c", "unix_socket_directories=\(directory.path)"]
        + arguments, errors: .descriptor(pipe.writing))
    close(pipe.writing)
  }

  deinit { close(pipe.reading) }

  /// Reads the log until some words have come, or to its end.
  func read(until words: String?) { log += Pipe.read(pipe.reading, until: words) }

  /// Sends a signal, and gives the exit status.
  func end(_ signal: Int32) throws -> Int32 {
    process.send(signal)
    read(until: nil)
    return try process.wait().status
  }
}
