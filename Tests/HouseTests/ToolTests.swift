import Foundation
import Testing

/// Rules that another program knows how to check.
@Suite("what other tools say of the house")
struct ToolTests {
  @Test("swift format has nothing to say", .enabled(if: Tool.isThere("swift"), "there is no swift on the path"))
  func swiftFormat() throws {
    let result = try Tool.run(
      ["swift", "format", "lint", "--strict", "--parallel", "--recursive", "Package.swift", "Sources", "Tests"])
    #expect(result.status == 0, "run `make format`:\n\(result.output)")
  }

  @Test("shell scripts parse", .enabled(if: Tool.isThere("bash"), "there is no bash on the path"))
  func shellScripts() throws {
    let scripts = try Repository.current.get().files.filter { $0.language == .shell }.map(\.path)
    try #require(!scripts.isEmpty)
    for script in scripts {
      let result = try Tool.run(["bash", "-n", script])
      #expect(result.status == 0, "\(script):\n\(result.output)")
    }
  }

  @Test("Python scripts parse", .enabled(if: Tool.isThere("python3"), "there is no python3 on the path"))
  func pythonScripts() throws {
    let scripts = try Repository.current.get().files.filter { $0.language == .python }.map(\.path)
    let program = "import ast, sys\nfor path in sys.argv[1:]: ast.parse(open(path).read(), path)"
    let result = try Tool.run(["python3", "-c", program] + scripts)
    #expect(result.status == 0, "\(result.output)")
  }

  @Test("make's default prints its targets", .enabled(if: Tool.isThere("make"), "there is no make on the path"))
  func makeHelp() throws {
    let result = try Tool.run(["make", "--silent"])
    #expect(result.status == 0, "\(result.output)")
    for target in ["demo", "test", "bench", "format", "docs", "build", "clean", "help"] {
      #expect(result.output.contains("make \(target) "), "\(result.output)")
    }
  }

  @Test("CI runs make test and nothing else")
  func continuousIntegration() throws {
    let lines = try #require(try Repository.current.get().file(".ci/run")).lines
    #expect(lines.last == "exec make test")
  }
}

/// A program on the path, run in the repository's root.
enum Tool {
  /// Required rather than skipped where MILLRACE_REQUIRE says "all".
  static func isThere(_ name: String) -> Bool {
    let environment = ProcessInfo.processInfo.environment
    if environment["MILLRACE_REQUIRE"] == "all" { return true }
    return (environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
    }
  }

  static func run(_ words: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words
    process.currentDirectoryURL = Repository.root
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
