import ArgumentParser

/// What the program tells its caller when it ends. These are all the codes there are, except for an interruption,
/// which ends with 128 and the number of the signal, as shells have it.
enum ExitStatus: Int32, CaseIterable {
  /// The work is done and nothing is wrong.
  case clean = 0
  /// The work is done and damage was found.
  case damageFound = 1
  /// The work could not be done or not be finished: bad arguments, no such file, an error of the system.
  case couldNotRun = 2

  var exitCode: ExitCode { ExitCode(rawValue) }

  /// The code for an error that ended a command.
  ///
  /// ArgumentParser would end with 64 for bad arguments and with 1 for any other error, and 1 means damage here.
  /// What a command throws as an `ExitCode` is passed on; a request for help or the version is no error.
  static func code<Command: ParsableCommand>(for error: any Error, in command: Command.Type) -> Int32 {
    if let code = error as? ExitCode { return code.rawValue }
    return command.exitCode(for: error).isSuccess ? Self.clean.rawValue : Self.couldNotRun.rawValue
  }
}
