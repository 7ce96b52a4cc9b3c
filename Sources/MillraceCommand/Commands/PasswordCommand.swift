import ArgumentParser
import Foundation
import MillraceServer

struct PasswordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "password",
    abstract: "Gives a role of a cluster a password, and makes the role if it is not there.",
    discussion: """
      The password is read from standard input, one line. What is kept is PostgreSQL's SCRAM-SHA-256 verifier, from \
      which the password cannot be had back. A server that runs takes it at its next SIGHUP.

        millrace password -D data postgres < secret
      """)

  @Option(name: .customShort("D"), help: ArgumentHelp("The data directory.", valueName: "directory"))
  var directory: String

  @Flag(help: "Make the role a superuser.")
  var superuser = false

  @Flag(help: "Let the role replicate.")
  var replication = false

  @Argument(help: "The role.")
  var role: String

  func run() throws {
    guard FileManager.default.fileExists(atPath: "\(directory)/PG_VERSION") else {
      throw CommandError("\"\(directory)\" is not a data directory: it has no file PG_VERSION")
    }
    let roles = try RoleFile(directory)
    guard let password = readLine(strippingNewline: true), !password.isEmpty else {
      throw CommandError("no password came from standard input")
    }
    var changed = roles[role] ?? Role(name: role)
    changed.password = ScramVerifier(password: password).description
    if superuser { changed.isSuperuser = true }
    if replication { changed.canReplicate = true }
    try roles.set(changed)
    Output.line("role \(role) has a password")
  }
}
