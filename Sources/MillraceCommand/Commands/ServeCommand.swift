import ArgumentParser
import Foundation
import Logging
import MillraceEngine
import MillraceServer
import MillraceSettings
import ServiceLifecycle
import UnixSignals

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serves a cluster to PostgreSQL's clients.",
    discussion: """
      Listens on this machine's loopback addresses and a Unix socket in /tmp, and speaks PostgreSQL's protocol. The \
      log goes to standard error, in PostgreSQL's words. Who is let in, millrace_hba.conf in the data directory says.

      SIGTERM waits until all clients have left, SIGINT disconnects them, SIGQUIT ends at once; SIGHUP has \
      configuration files read again.

        millrace serve -D data -p 5433
        psql -h localhost -p 5433 -U postgres
        pg_receivewal -h localhost -p 5433 -U postgres -D copy
      """)

  @Option(name: .customShort("p"), help: ArgumentHelp("The port to listen on.", valueName: "port"))
  var port: Int?

  @Option(
    name: .customShort("h"),
    help: ArgumentHelp(
      "The addresses to listen on; others than this machine's own only when a role has a password.",
      valueName: "addresses"))
  var addresses: String?

  @OptionGroup var options: DatabaseOptions

  func run() throws {
    var configuration = try options.configuration(sessionsMax: 1)
    if let port { configuration.assignments.append(try SettingAssignment("port=\(port)")) }
    if let addresses {
      configuration.assignments.append(try SettingAssignment("listen_addresses=\(addresses)"))
    }
    let settings = try Database.readSettings(configuration)
    // One for each client and each who is sent WAL, and a few for what the server does by itself.
    configuration.sessionsMax = settings[.maxConnections] + settings[.maxWALSenders] + 5
    let process = ServerProcess(configuration)
    try process.run()
  }
}
