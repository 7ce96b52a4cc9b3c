import MillraceEngine
import MillraceIO
import MillraceSimulation
import MillraceStorage
import MillraceTestSupport
import MillraceWAL

extension EngineSimulation {
  /// Compares what is there with what the clients were told.
  /// - Parameter isSound: whether nobody has changed anything since the last time.
  func check(_ server: SimulatedServer, isSound: Bool) throws {
    var found = Array(repeating: [Int64: UInt32](), count: histories.count)
    server.places = [:]
    for (place, bytes) in try server.rows() {
      guard let (row, version) = RowContents.parse(bytes) else {
        throw failure("at \(place) are \(bytes.count) bytes that nobody has written as a row")
      }
      let client = Int(ClientHistory.client(of: row))
      guard found.indices.contains(client), found[client].updateValue(version, forKey: row) == nil else {
        throw failure("row \(row) is there twice, or nobody's")
      }
      server.places[row] = place
    }
    for client in histories.indices {
      do throws(ClientHistory.Mismatch) {
        let committed = try histories[client].resume(from: found[client], unacknowledged: unacknowledged[client])
        if committed { encounters.unacknowledgedCommitted += 1 }
        unacknowledged[client] = nil
      } catch {
        throw failure("\(error)")
      }
    }
  }

  /// The faults end: what is there is right, stays so, can be worked with, and is let go in the end.
  func settle() throws {
    disk.faults = .none
    try checkSecondRecovery()
    let server = try openSound()
    try check(server, isSound: true)
    let clients = try histories.indices.map { try SimulatedClient($0, server) }
    for _ in 0..<clients.count * 20 { try random.element(of: clients).step(self) }
    for client in clients {
      client.stop(self)
      client.leave()
    }
    try server.checkpoint()
    try server.backgroundRound()
    try check(server, isSound: true)
    try server.close()
    try checkPages()
    // After a clean shutdown there is nothing to recover.
    let again = try openSound()
    guard again.recoveredRecords == 0 else {
      throw failure("\(again.recoveredRecords) records were recovered after a clean shutdown")
    }
    try check(again, isSound: true)
    try again.close()
  }

  private func openSound() throws -> SimulatedServer {
    do throws(EngineError) {
      return try SimulatedServer(try SimulatedServer.boot(disk, plan, seed: random.next()), plan)
    } catch {
      throw failure("the cluster cannot be opened although the disk is sound: \(error)")
    }
  }

  /// Recovers, stops without a shutdown, and recovers again: the second time nothing may become another, and the log
  /// ends where it was left.
  private func checkSecondRecovery() throws {
    let first = try openSound()
    try check(first, isSound: true)
    try first.checkpoint()
    let pages = durableFiles()
    let control = try SimulatedServer.controlFile(on: disk)
    let log = first.database.log
    let (end, next) = (log.reservedPosition, first.database.transactions.next)
    first.crash()
    let second = try openSound()
    guard second.database.recovery.endPosition == end else {
      throw failure("the log ended at \(end), and a second recovery ended at \(second.database.recovery.endPosition)")
    }
    try check(second, isSound: true)
    try second.checkpoint()
    let after = durableFiles()
    let controlAfter = try SimulatedServer.controlFile(on: disk)
    guard controlAfter == control else {
      throw failure("a second recovery changed the control file from \(control) to \(controlAfter)")
    }
    guard second.database.transactions.next == next else {
      throw failure("after a second recovery the next transaction is not \(next)")
    }
    guard pages.keys == after.keys else {
      throw failure("a second recovery made or removed files: \(pages.keys) became \(after.keys)")
    }
    for (path, bytes) in pages where after[path] != bytes {
      let place = zip(bytes, after[path] ?? []).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? 0
      throw failure("a second recovery changed \(path) at \(place)")
    }
    second.crash()
  }

  /// Everything that a checkpoint makes durable: relations, and the commit log.
  private func durableFiles() -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for path in SimulatedServer.relationPaths(on: disk) + SimulatedServer.commitLogPaths(on: disk) {
      files[path] = disk.contents(of: path)
    }
    return files
  }

  /// Every page on the disk is intact.
  private func checkPages() throws {
    for path in SimulatedServer.relationPaths(on: disk) {
      let bytes = disk.contents(of: path) ?? []
      if let problem = SimulatedServer.problem(of: path, bytes) { throw failure(problem) }
    }
  }
}
