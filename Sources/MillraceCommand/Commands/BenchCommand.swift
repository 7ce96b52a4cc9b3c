import ArgumentParser

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures the engine on your storage.",
    subcommands: [
      BenchIOCommand.self, BenchScanCommand.self, BenchWALCommand.self, BenchCheckpointCommand.self,
      BenchLoadCommand.self,
    ])
}
