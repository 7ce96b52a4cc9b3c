import ArgumentParser

@main
struct MillraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "millrace", abstract: "Asynchronous and direct I/O on PostgreSQL's own data.")
}
