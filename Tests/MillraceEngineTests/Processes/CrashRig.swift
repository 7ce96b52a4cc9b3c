import Foundation
import MillraceTestSupport
import Testing

/// A cluster on which a process works that is killed, or loses its disk, again and again (Tests/CrashWriter).
final class CrashRig {
  /// How one process ends.
  enum End {
    /// kill -9 when so many transactions were acknowledged; nil: while it opens the cluster.
    case killed(after: Int?)
    /// The disk loses its power then, and what was not synced; the process gets EIO, and is killed.
    case powerLoss(after: Int)
    /// Each client makes so many transactions, and the cluster is shut down.
    case shutdown(transactions: Int)
    /// Each client makes so many transactions, or as many as it can on a disk that fails.
    case onItsOwn(transactions: Int)
  }

  /// What was seen of a process, with the lines that it printed.
  struct Sighting {
    var committed = 0
    var givenUp = 0
    var refusals: [String] = []
    /// Why it stopped of itself.
    var stops: [String] = []
    var isReady = false
    var isClosed = false
  }

  let directory: String
  let words: [String]
  let mount: FaultyMount?
  private(set) var histories: [ClientHistory]
  /// Clients that were in the middle of something when the process ended.
  private var isInDoubt: [Bool]
  private var random: SeededGenerator
  private var hasLostPower = false

  /// - Parameters:
  ///   - directory: of the cluster, as the process shall see it.
  ///   - words: settings, as `name=value`.
  ///   - mount: the faulty file system that it is on.
  init(
    _ directory: String, seed: UInt64, clients: Int = 4, usualRows: Int = 60, changesMax: Int = 6, words: [String] = [],
    mount: FaultyMount? = nil
  ) {
    (self.directory, self.mount) = (directory, mount)
    self.words = words + ["usual-rows=\(usualRows)", "changes-max=\(changesMax)"]
    histories = (0..<clients).map {
      ClientHistory(seed: seed, client: UInt16($0), usualRows: usualRows, changesMax: changesMax)
    }
    isInDoubt = Array(repeating: false, count: clients)
    random = SeededGenerator(seed: seed)
  }

  /// The tests are in the directory that products are built into.
  private static let program: String = {
    let tests = URL(fileURLWithPath: Bundle.main.executablePath ?? CommandLine.arguments[0])
    return tests.deletingLastPathComponent().appendingPathComponent("CrashWriter").path
  }()

  /// Lets a process work on the cluster, and ends it. What it finds at its start is checked.
  @discardableResult
  func run(until end: End, _ location: SourceLocation = #_sourceLocation) throws -> Sighting {
    var command = [Self.program, "directory=\(directory)", "seed=\(histories[0].seed)"] + words
    // A transaction in doubt has ended, one way or the other, when the process has opened the cluster.
    let numbers = zip(histories, isInDoubt).map { $0.number + ($1 ? 1 : 0) }
    command.append("numbers=\(numbers.map(String.init).joined(separator: ","))")
    switch end {
    case .shutdown(let transactions), .onItsOwn(let transactions): command.append("transactions=\(transactions)")
    case .killed, .powerLoss: break
    }
    hasLostPower = false
    let lines = try LinePipe()
    let process = try ChildProcess(command, output: .descriptor(lines.writing))
    lines.closeWriting()
    let sighting: Sighting
    do { sighting = try watch(lines, process, until: end) } catch {
      process.send(SIGKILL)
      _ = try? process.wait()
      throw error
    }
    let outcome = try process.wait()
    if case .shutdown = end {
      #expect(sighting.isClosed && outcome.status == 0, "\(sighting) \(outcome.errors)", sourceLocation: location)
    }
    if case .onItsOwn = end {
      #expect(!outcome.wasKilled, "the process crashed: \(outcome.errors)", sourceLocation: location)
    }
    if case .powerLoss = end { try mount?.powerOn() }
    return sighting
  }

  private func watch(_ lines: LinePipe, _ process: ChildProcess, until end: End) throws -> Sighting {
    var sighting = Sighting()
    var found = Array(repeating: [Int64: UInt32](), count: histories.count)
    while let line = lines.next() {
      let words = line.split(separator: " ", maxSplits: 3)
      switch (words.first, end) {
      case ("opening", .killed(after: nil)): process.send(SIGKILL)
      case ("opening", _): break
      case ("row", _): try take(words, &found)
      case ("ready", _):
        try resume(found)
        sighting.isReady = true
      case ("closed", _): sighting.isClosed = true
      case ("stopped", _): sighting.stops.append(String(line))
      default: try count(words, line, &sighting)
      }
      try endIfDue(end, sighting, process)
    }
    // What it was doing without telling is in doubt, unless it has come to its own end.
    if sighting.isReady, !sighting.isClosed { isInDoubt = isInDoubt.map { _ in true } }
    return sighting
  }

  /// Takes in how a transaction ended.
  private func count(_ words: [Substring], _ line: Substring, _ sighting: inout Sighting) throws {
    let client = try #require(Int(words[1]), "the process printed \(line)")
    let transaction = histories[client].next()
    try #require(UInt64(words[2]) == transaction.number, "the process printed \(line)")
    switch words[0] {
    case "committed":
      histories[client].end(transaction, committed: true)
      sighting.committed += 1
    case "given-up":
      histories[client].end(transaction, committed: false)
      sighting.givenUp += 1
    case "refused":
      histories[client].end(transaction, committed: false)
      sighting.refusals.append(String(words[3]))
    case "unknown":
      isInDoubt[client] = true
      sighting.stops.append(String(words[3]))
    default: throw POSIXError(.EINVAL)
    }
  }

  private func endIfDue(_ end: End, _ sighting: Sighting, _ process: ChildProcess) throws {
    switch end {
    case .killed(after: let count?) where sighting.isReady && sighting.committed >= count: process.send(SIGKILL)
    case .powerLoss(after: let count) where sighting.isReady && sighting.committed == count && !hasLostPower:
      hasLostPower = true
      try mount?.powerOff(losing: random.next())
      process.send(SIGKILL)
    default: break
    }
  }

  private func take(_ words: [Substring], _ found: inout [[Int64: UInt32]]) throws {
    let row = try #require(Int64(words[1]))
    let version = try #require(UInt32(words[2]))
    let client = Int(ClientHistory.client(of: row))
    try #require(found.indices.contains(client) && found[client].updateValue(version, forKey: row) == nil)
  }

  /// Compares what a process has found with what the ones before it were told.
  private func resume(_ found: [[Int64: UInt32]]) throws {
    for client in histories.indices {
      let open = isInDoubt[client] ? histories[client].next() : nil
      if let open, open.isGivenUp {
        // The client would not have committed it.
        try histories[client].resume(from: found[client])
        histories[client].end(open, committed: false)
      } else {
        try histories[client].resume(from: found[client], unacknowledged: open)
      }
    }
    isInDoubt = Array(repeating: false, count: histories.count)
  }
}

/// The lines that a process prints, as they come.
final class LinePipe {
  let writing: Int32
  private let reading: FileHandle
  private var buffer: [UInt8] = []
  private var isOpen = true

  init() throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
    // Children of other tests shall not hold it open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    reading = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
    writing = ends[1]
  }

  deinit { closeWriting() }

  func closeWriting() {
    if isOpen { close(writing) }
    isOpen = false
  }

  /// The next whole line, without its end; nil when no more will come. What a killed process began is no line.
  func next() -> Substring? {
    while true {
      if let end = buffer.firstIndex(of: 10) {
        let line = Substring(decoding: buffer[..<end], as: UTF8.self)
        buffer.removeSubrange(...end)
        return line
      }
      let more = reading.availableData
      guard !more.isEmpty else { return nil }
      buffer += more
    }
  }
}
