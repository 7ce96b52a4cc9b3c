import MillraceEngine
import MillraceIO
import MillraceTypes
import MillraceWAL

/// The rows of views of what has been done, column by column as ``OwnFunction`` says.
extension SQLSession {
  func statisticsRows(_ function: String) -> [[String?]]? {
    switch function {
    case "millrace_aios": inFlightRows()
    case "millrace_aio_backends": backendRows()
    case "millrace_io_workers": workerRows()
    case "millrace_aio_latency": latencyRows()
    case "millrace_io": priorityRows()
    case "millrace_wal": logRows()
    case "millrace_relations": relationRows()
    default: nil
    }
  }

  private var engine: IOEngine { session.database.engine }

  private func inFlightRows() -> [[String?]] {
    engine.snapshot().map { io in
      let age = io.age.map { "\($0 / 1000) microseconds" }
      return [
        "\(io.ioID)", "\(io.ioGeneration)", io.operation.map { "\($0)" }, "\(io.state)", "\(io.flags.rawValue)",
        io.ring.map { "\($0)" }, "\(io.backend)", io.mergedInto.map { "\($0)" }, io.rawResult.map { "\($0)" },
        io.targetDescription, age,
      ]
    }
  }

  private func backendRows() -> [[String?]] {
    engine.backendStatistics().map { backend in
      [
        "\(backend.backend)", backend.name, "\(backend.executedTotal)", "\(backend.issuedTotal)",
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
        "\(done.records)", "\(done.fullPageImages)", "\(done.bytes)", "\(done.fullPageImageBytes)",
        "\(done.buffersFull)", "\(done.writes)", "\(done.syncs)", "\(done.padded)", "\(done.paddedBytes)",
      ]
    ]
  }

  private func relationRows() -> [[String?]] {
    func time(_ microseconds: Int64?) -> String? {
      guard let microseconds, let type = TypeDescriptor.builtIn[.timestampTZ] else { return nil }
      return type.text(of: Datum(microseconds), typeSettings)
    }
    return session.database.relationStatistics(in: catalog.catalog.databaseID).map { oid, done in
      [
        "\(oid)", "\(done.scans)", "\(done.tuplesReturned)", "\(done.tuplesFetched)", "\(done.inserted)",
        "\(done.updated)", "\(done.deleted)", "\(done.hotUpdated)", "\(done.newPageUpdated)", "\(done.liveTuples)",
        "\(done.deadTuples)", "\(done.changesSinceAnalyze)", "\(done.insertsSinceVacuum)", time(done.lastScan),
        time(done.vacuums.last), time(done.autovacuums.last), time(done.analyzes.last), time(done.autoanalyzes.last),
        "\(done.vacuums.count)", "\(done.autovacuums.count)", "\(done.analyzes.count)", "\(done.autoanalyzes.count)",
      ]
    }
  }
}
