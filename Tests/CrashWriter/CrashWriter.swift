import Foundation
import MillraceEngine
import MillraceEngineTestSupport
import MillraceTestSupport
import Synchronization

/// A process to be killed: opens a cluster, prints what it finds, and then commits transactions as fast as it can, each
/// of which it prints when it has been acknowledged. Whoever watches it knows what must be there the next time.
///
///     opening
///     row NUMBER VERSION            for each row that is there
///     ready
///     committed CLIENT NUMBER       a transaction was acknowledged
///     given-up CLIENT NUMBER
///     refused CLIENT NUMBER SENTENCE    a statement failed, and the transaction was aborted
///     unknown CLIENT NUMBER SENTENCE    its commit failed; the client does no more
///     stopped SENTENCE              the engine has stopped
///     closed                        after a clean shutdown: only where a number of transactions was asked for
@main
struct CrashWriter {
  static func main() {
    do {
      let options = try WriterOptions(CommandLine.arguments.dropFirst())
      try CrashWriter(options).run()
    } catch {
      WriterOutput.line("stopped \(error)")
      exit(1)
    }
  }

  private let options: WriterOptions

  private init(_ options: WriterOptions) { self.options = options }

  private func run() throws {
    WriterOutput.line("opening")
    let store = try RowStore(opening: options.directory, options.assignments)
    var rows = Array(repeating: [Int64: UInt32](), count: options.numbers.count)
    var places: [Int64: TupleIdentifier] = [:]
    for (place, bytes) in try store.rows() {
      guard let (row, version) = RowContents.parse(bytes) else {
        throw WriterError(description: "\(bytes.count) bytes at \(place) are no row")
      }
      WriterOutput.line("row \(row) \(version)")
      let client = Int(ClientHistory.client(of: row))
      if rows.indices.contains(client) { rows[client][row] = version }
      guard places.updateValue(place, forKey: row) == nil else {
        throw WriterError(description: "row \(row) is there twice")
      }
    }
    WriterOutput.line("ready")
    let clients = options.numbers.indices.map { client in
      WriterClient(
        ClientHistory(
          seed: options.seed, client: UInt16(client), number: options.numbers[client], rows: rows[client],
          usualRows: options.usualRows, changesMax: options.changesMax),
        places: places.filter { ClientHistory.client(of: $0.key) == UInt16(client) }, store, options)
    }
    let threads = clients.map { client in Worker { client.run() } }
    for thread in threads { thread.join() }
    try store.close()
    WriterOutput.line("closed")
  }
}

struct WriterError: Error, CustomStringConvertible {
  let description: String
}

/// Lines that are out when the call returns.
enum WriterOutput {
  static func line(_ text: String) {
    let bytes = Array((text.split(separator: "\n").joined(separator: " ") + "\n").utf8)
    // One call, so that lines of several threads do not mix.
    _ = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
  }
}
