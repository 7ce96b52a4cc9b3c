import Foundation
import MillraceTestSupport
import Testing

/// The program itself, as it was built beside the tests.
enum Millrace {
  /// The tests are in the directory that products are built into.
  static let path: String = {
    let tests = URL(fileURLWithPath: Bundle.main.executablePath ?? CommandLine.arguments[0])
    return tests.deletingLastPathComponent().appendingPathComponent("millrace").path
  }()

  /// Runs it and waits for it.
  static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> ChildProcess.Outcome {
    try ChildProcess.run([path] + arguments, environment: environment)
  }

  static func run(_ arguments: String...) throws -> ChildProcess.Outcome { try run(arguments) }

  /// Starts it.
  static func start(
    _ arguments: [String], output: ChildProcess.Stream = .kept, errors: ChildProcess.Stream = .kept
  ) throws -> ChildProcess {
    try ChildProcess([path] + arguments, environment: ["TERM": "xterm"], output: output, errors: errors)
  }

  /// Runs it where root is not above permissions.
  static func runWithoutPrivilege(_ arguments: [String]) throws -> ChildProcess.Outcome {
    guard geteuid() == 0 else { return try run(arguments) }
    return try ChildProcess.run(
      ["/usr/bin/setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search", path] + arguments)
  }

  /// What it printed with `--json`.
  /// - Parameter mayHaveNotes: whether it may have said something besides.
  static func json(_ outcome: ChildProcess.Outcome, mayHaveNotes: Bool = false) throws -> [String: Any] {
    try #require(mayHaveNotes || outcome.errors == "")
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    return try #require(object as? [String: Any])
  }
}

extension ChildProcess.Outcome {
  /// Checks that the command could not run, and said why in one sentence that has these words.
  func expectRefusal(_ words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(status == 2, sourceLocation: sourceLocation)
    #expect(output == "", sourceLocation: sourceLocation)
    #expect(errorLines.count == 1, sourceLocation: sourceLocation)
    #expect(errors.hasPrefix("millrace: error: ") && errors.hasSuffix("\n"), sourceLocation: sourceLocation)
    for word in words {
      #expect(errors.contains(word), "the sentence names it", sourceLocation: sourceLocation)
    }
  }
}

/// Both ends of a pipe.
struct Pipe {
  let reading, writing: Int32

  init() throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    // Children of other tests shall not hold it open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (reading, writing) = (ends[0], ends[1])
  }

  /// Reads until the text has come, or the end.
  /// - Returns: what has been read.
  static func read(_ descriptor: Int32, until wanted: String?) -> String {
    var text: [UInt8] = []
    var byte: UInt8 = 0
    while Glibc.read(descriptor, &byte, 1) == 1 {
      text.append(byte)
      if let wanted, text.suffix(wanted.utf8.count).elementsEqual(wanted.utf8) { break }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
