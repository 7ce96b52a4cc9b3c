import ArgumentParser
import Foundation

struct MillraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "millrace",
    abstract: "Asynchronous and direct I/O on PostgreSQL's own data.",
    discussion: """
      Exit status: 0 all is well, 1 damage was found, 2 the command could not be run or finished; after a signal 128 \
      and its number.
      """,
    version: Version.current,
    subcommands: [
      DemoCommand.self, DoctorCommand.self, BenchCommand.self, VerifyCommand.self, CheckCommand.self,
      InitCommand.self, RecoverCommand.self, ServeCommand.self, PasswordCommand.self,
    ])
}

/// Runs a command and turns what it throws into one sentence and an exit status.
@main
enum Program {
  static func main() {
    Output.prepare()
    Interruption.install()
    exit(Output.finalStatus(run(Array(CommandLine.arguments.dropFirst()))))
  }

  private static func run(_ arguments: [String]) -> Int32 {
    do {
      var command = try MillraceCommand.parseAsRoot(arguments)
      try command.run()
      return ExitStatus.clean.rawValue
    } catch is Interruption.Requested {
      return ExitStatus.clean.rawValue
    } catch {
      return report(error)
    }
  }

  private static func report(_ error: any Error) -> Int32 {
    let status = ExitStatus.code(for: error, in: MillraceCommand.self)
    if error is ExitCode { return status }
    if status == ExitStatus.clean.rawValue {
      Output.line(MillraceCommand.fullMessage(for: error))
    } else if MillraceCommand.exitCode(for: error) == ExitCode.validationFailure {
      Output.errorLine(usageProblem(error))
    } else {
      Output.errorLine("\(error)")
    }
    return status
  }

  /// What is wrong with the arguments, and where to read on, in one line: the parser itself would print its usage, too.
  private static func usageProblem(_ error: any Error) -> String {
    let message = MillraceCommand.message(for: error).split(separator: "\n").first ?? "the arguments make no sense"
    // "See 'millrace verify --help' for more information."
    let lines = MillraceCommand.fullMessage(for: error).split(separator: "\n")
    let help = lines.last { $0.contains("--help") }?.split(separator: "'").dropFirst().first
    return "\(message.prefix(1).lowercased())\(message.dropFirst()); see: \(help ?? "millrace --help")"
  }
}
