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
    subcommands: [VerifyCommand.self, BenchCommand.self])
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
      Output.noteLine(MillraceCommand.fullMessage(for: error))
    } else {
      Output.errorLine("\(error)")
    }
    return status
  }
}
