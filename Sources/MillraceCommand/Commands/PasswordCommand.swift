import ArgumentParser
import Foundation
import MillraceEngine
import MillraceServer
import MillraceSettings

struct PasswordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "password",
    abstract: "Gives a role of a cluster a password, and makes the role if it is not there.",
    discussion: """
      The password is read from standard input, one line. What is kept is PostgreSQL's SCRAM-SHA-256 verifier, from \
      which the password cannot be had back. No server may run on the cluster; with one, use ALTER ROLE ... PASSWORD.

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
    guard let password = readLine(strippingNewline: true), !password.isEmpty else {
      throw CommandError("no password came from standard input")
    }
    let verifier = ScramVerifier(password: password).description
    var configuration = DatabaseConfiguration(path: directory)
    configuration.defaults = [try SettingAssignment("shared_buffers=8MB")]
    try Database.whileOpen(configuration) { database in
      let session = try database.makeSession("password")
      defer { session.close() }
      try session.connect(to: "template1")
      try session.transaction { session throws(EngineError) in try set(verifier, session.catalog) }
    }
    Output.line("role \(role) has a password")
  }

  private func set(_ verifier: String, _ catalog: SessionCatalog) throws(EngineError) {
    if let known = try catalog.role(named: role) {
      var changed = known
      changed.passwordVerifier = verifier
      if superuser { changed.isSuperuser = true }
      if replication { changed.canReplicate = true }
      return try catalog.alterRole(changed)
    }
    var made = RoleEntry(name: role)
    (made.canLogin, made.isSuperuser, made.canReplicate) = (true, superuser, replication)
    made.passwordVerifier = verifier
    try catalog.createRole(made)
  }
}
