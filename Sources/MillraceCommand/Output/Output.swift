import Foundation
import Synchronization

/// The one place that writes to standard output and standard error.
///
/// Results go to standard output and everything about the run to standard error, so that the results can be piped.
/// If the reader of standard output is gone, loops are asked to stop and the program ends quietly with 141, as if by
/// SIGPIPE; any other failure there is an error, for a lost report must not look like a clean one.
enum Output {
  /// The program's name, in front of every message.
  private static let programName = "millrace"

  static let shared = OutputWriter(
    standardOutput: OutputChannel(descriptor: STDOUT_FILENO),
    standardError: OutputChannel(descriptor: STDERR_FILENO),
    onOutputLost: { failure in
      if !failure.isReaderGone {
        errorLine("could not write to standard output: \(failure)")
        outputFailed.store(true, ordering: .relaxed)
      }
      Interruption.request(as: SIGPIPE)
    })

  /// Whether results were lost for another reason than that nobody wanted them.
  private static let outputFailed = Atomic<Bool>(false)

  /// To be called first thing in the program, before any other thread or file exists.
  ///
  /// A write to a closed pipe is to fail instead of killing. A standard descriptor that the caller left closed is
  /// taken, so that no data file ever gets its number; writing to it fails as before.
  static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is this one. Opened the wrong way round, it can neither be read nor written.
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  /// A line of results.
  static func line(_ text: String = "") {
    shared.writeOutput(text + "\n")
  }

  /// Results as they are.
  static func write(_ text: String) {
    shared.writeOutput(text)
  }

  /// What went wrong, in one clear sentence, with a detail and a hint where there are any.
  static func errorLine(_ message: String, detail: String? = nil, hint: String? = nil) {
    shared.writeError(messageText("error", message, detail: detail, hint: hint))
  }

  /// What is probably not meant.
  static func warningLine(_ message: String, detail: String? = nil, hint: String? = nil) {
    shared.writeError(messageText("warning", message, detail: detail, hint: hint))
  }

  /// What the program is doing.
  static func noteLine(_ text: String) {
    shared.writeError(text + "\n")
  }

  /// The status to end with: that of an interruption if there was one, else the outcome of the command.
  static func finalStatus(_ outcome: Int32) -> Int32 {
    if outputFailed.load(ordering: .relaxed) { return ExitStatus.couldNotRun.rawValue }
    return Interruption.exitStatus ?? outcome
  }

  /// Laid out like the messages of PostgreSQL's own programs.
  static func messageText(_ label: String, _ message: String, detail: String?, hint: String?) -> String {
    var text = "\(programName): \(label): \(message)\n"
    if let detail { text += "\(programName): detail: \(detail)\n" }
    if let hint { text += "\(programName): hint: \(hint)\n" }
    return text
  }
}
