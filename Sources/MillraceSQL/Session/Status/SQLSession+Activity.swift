import MillraceEngine
import MillraceIO

/// Who does what, and waits for what: `pg_stat_activity`.
extension SQLSession {
  func activityRows() -> [[String?]] {
    let waits = session.database.lockWaits()
    let transactions = session.database.transactionIDs()
    let sessions = instance.sessions.map { other in
      row(other, wait: waits[other.processID], transactions[other.processID])
    }
    return sessions + instance.replicas.map { row($0) } + backgroundRows()
  }

  private func row(
    _ other: SessionActivity, wait: LockTag?, _ transaction: (xid: UInt32?, xmin: UInt32?)?
  ) -> [String?] {
    let now = other.now
    // Others' statements are not everybody's business.
    let isShown = isSuperuser || other.userID == catalog.currentUser
    let event = isShown ? self.event(of: other, now.state, wait) : nil
    let row: [String?] = [
      "\(other.databaseID)", "\(other.processID)", "\(other.userID)", now.applicationName,
      isShown ? now.state.rawValue : nil, isShown ? now.query : "<insufficient privilege>", event?.type, event?.name,
      statusText(now.transactionStart), statusText(now.queryStart), statusText(other.startTime),
      statusText(now.stateChange), other.clientAddress, nil, other.clientPort.map { "\($0)" },
      transaction?.xid.map { "\($0)" }, transaction?.xmin.map { "\($0)" }, IOBackendKind.client.description,
    ]
    return row + Self.noEncryption
  }

  /// ssl and what belongs to it, gss and what belongs to it, leader_pid, query_id.
  private static let noEncryption: [String?] = ["f", nil, nil, nil, nil, nil, nil, "f", nil, "f", "f", nil, nil]

  private func event(
    of other: SessionActivity, _ state: SessionActivity.State, _ wait: LockTag?
  ) -> (type: String, name: String)? {
    if let wait { return ("Lock", wait.kind.description) }
    let event: WaitEvent? = session.database.engine.waitEvent(ofBackend: other.backend)
    if let event { return (event.type, event.name) }
    return state == .active ? nil : ("Client", "ClientRead")
  }

  private func row(_ replica: ReplicaStatus) -> [String?] {
    let user = try? SQLError.engine { () throws(EngineError) in
      try catalog.requiredRole(named: replica.userName).oid
    }
    let row: [String?] = [
      nil, "\(replica.processID)", user.map { "\($0)" }, replica.applicationName, "active", "START_REPLICATION",
      "Activity", "WalSenderMain", nil, nil, statusText(replica.startTime), nil, replica.clientAddress, nil,
      "\(replica.clientPort)", nil, nil, IOBackendKind.walSender.description,
    ]
    return row + Self.noEncryption
  }

  /// The threads that work for all, which have no number that clients could use.
  private func backgroundRows() -> [[String?]] {
    let engine = session.database.engine
    var rows: [[String?]] = []
    func add(_ kind: IOBackendKind, _ type: String?, _ event: String?) {
      var row = [String?](repeating: nil, count: 18)
      (row[6], row[7], row[10], row[17]) = (type, event, statusText(instance.startTime), kind.description)
      rows.append(row + Self.noEncryption)
    }
    let usual: [IOBackendKind: String] = [
      .autovacuumLauncher: "AutovacuumMain", .backgroundWriter: "BgwriterMain", .checkpointer: "CheckpointerMain",
      .walWriter: "WalWriterMain",
    ]
    for backend in engine.backendsInUse() where ![.client, .walSender, .startup, .standalone].contains(backend.kind) {
      if let event = engine.waitEvent(ofBackend: backend.index) {
        add(backend.kind, event.type, event.name)
      } else {
        add(backend.kind, usual[backend.kind].map { _ in "Activity" }, usual[backend.kind])
      }
    }
    if let pool = engine.workerPoolStatistics() {
      for number in 0..<pool.workerCount {
        let isIdle = number < pool.idleCount
        add(.ioWorker, isIdle ? "Activity" : nil, isIdle ? "IoWorkerMain" : nil)
      }
    }
    return rows
  }
}
