import MillraceEngine
import MillraceIO
import MillraceWAL

/// The rows of views of what has been done, column by column as ``OwnFunction`` says.
extension SQLSession {
  func statisticsRows(_ function: String) -> [[String?]]? {
    switch function {
    case "millrace_aios": inFlightRows()
    case "millrace_aio_backends": backendRows()
    case "millrace_io_workers": workerRows()
    case "millrace_aio_latency": latencyRows()
    case "millrace_io_classes": priorityRows()
    case "millrace_wal": logRows()
    case "millrace_buffers": bufferRows()
    case "pg_stat_get_io": useRows()
    case "pg_stat_get_wal": walRows()
    case "pg_stat_get_wal_senders": replicaRows()
    case "pg_get_replication_slots": slotRows()
    default: progressRows(function)
    }
  }

  private var engine: IOEngine { session.database.engine }

  /// The numbers by which sessions are known, by their backends. Threads of the engine have none.
  private var processIDs: [Int: Int32] {
    Dictionary(instance.sessions.map { ($0.backend, $0.processID) }, uniquingKeysWith: { $1 })
  }

  private func inFlightRows() -> [[String?]] {
    let processIDs = processIDs
    return engine.snapshot().map { io in
      let age = io.age.map { "\($0 / 1000) microseconds" }
      return [
        "\(io.ioID)", "\(io.ioGeneration)", io.operation.map { "\($0)" }, "\(io.state)", "\(io.flags.rawValue)",
        io.ring.map { "\($0)" }, processIDs[io.backend].map { "\($0)" }, io.mergedInto.map { "\($0)" },
        io.rawResult.map { "\($0)" },
        io.targetDescription, age,
      ]
    }
  }

  private func backendRows() -> [[String?]] {
    let processIDs = processIDs
    return engine.backendStatistics().map { backend in
      [
        processIDs[backend.backend].map { "\($0)" }, backend.name, "\(backend.executedTotal)", "\(backend.issuedTotal)",
        "\(backend.submissionsTotal)", "\(backend.inPlaceTotal)", "\(backend.completedSelfTotal)",
        "\(backend.foreignCompletedTotal)", "\(backend.retryTotal)", "\(backend.handleWaits)",
        "\(backend.bytesRead)", "\(backend.bytesWritten)", "\(backend.outstanding)",
      ]
    }
  }

  private func workerRows() -> [[String?]] {
    guard let pool = engine.workerPoolStatistics() else { return [] }
    return [
      [
        "\(pool.workerCount)", "\(pool.idleCount)", "\(pool.queueDepth)", "\(pool.executed)", "\(pool.launched)",
        "\(pool.left)", "\(pool.refusedAtMaximum)", "\(pool.deferredByInterval)", "\(pool.overflows)",
        "\(pool.helped)", "\(pool.spuriousWakeUps)",
      ]
    ]
  }

  /// One row for each operation that there has been, of I/O that its issuer executed and of the others.
  private func latencyRows() -> [[String?]] {
    let method = setting("io_method")
    var rows: [[String?]] = []
    for operation in IOOperation.allCases {
      for inPlace in [false, true] {
        let summary: LatencySummary? = engine.latencySummary(of: operation, inPlace: inPlace)
        guard let found = summary else { continue }
        func microseconds(_ nanoseconds: UInt64) -> String { "\(Double(nanoseconds) / 1000)" }
        rows.append([
          method, "\(operation)", inPlace ? "t" : "f", "\(found.count)", microseconds(found.least),
          microseconds(found.median), microseconds(found.percentile90), microseconds(found.percentile99),
          microseconds(found.most),
        ])
      }
    }
    return rows
  }

  private func priorityRows() -> [[String?]] {
    engine.priorityStatistics().map { done in
      [
        "\(done.priority)", "\(done.operations)", "\(done.bytesRead)", "\(done.bytesWritten)",
        "\(Double(done.latencyTotal) / 1e6)",
      ]
    }
  }

  private func logRows() -> [[String?]] {
    let done = session.database.log.statistics()
    return [
      [
        "\(done.records)", "\(done.fullPageImages)", "\(done.bytes)", "\(done.buffersFull)",
        statusText(instance.startTime), "\(done.fullPageImageBytes)", "\(done.writes)", "\(done.syncs)",
        "\(done.padded)", "\(done.paddedBytes)",
      ]
    ]
  }
}
