import Synchronization

/// One handle in use: a row of `pg_aios`, with what the wiki's `pg_stat_aios` has besides.
public struct IOSnapshot: Sendable, Equatable {
  public let backend: Int
  public let ioID: Int
  public let ioGeneration: UInt64
  public let state: IOHandleState
  /// Nil while nothing is defined (HANDED_OUT); so are all below.
  public let operation: IOOperation?
  public let priority: IOPriority?
  public let offset: Int64?
  public let length: Int64?
  /// `blocks 3..4 in file "base/5/1259"`.
  public let targetDescription: String?
  public let handleDataLength: Int
  /// Bytes or -errno, once known.
  public let rawResult: Int64?
  public let result: IOOutcome.Status
  public let flags: IOFlags
  /// The ring that has it; nil for methods without.
  public let ring: Int?
  /// The handle that carries it, where it was merged into another.
  public let mergedInto: Int?
  /// Nanoseconds since it was submitted; nil before.
  public let age: UInt64?
}

/// Counters of one backend: a row of the wiki's `pg_stat_aio_backends`.
public struct IOBackendStatistics: Sendable, Equatable {
  public let backend: Int
  public let name: String
  /// I/Os started.
  public let executedTotal: UInt64
  /// After merging.
  public let issuedTotal: UInt64
  /// Submission calls; `issuedTotal` by this is the batch factor.
  public let submissionsTotal: UInt64
  /// Executed by their issuer.
  public let inPlaceTotal: UInt64
  public let completedSelfTotal: UInt64
  /// Completed by other threads.
  public let foreignCompletedTotal: UInt64
  /// Attempts after the first: short transfers, EAGAIN.
  public let retryTotal: UInt64
  /// How often it had to wait for a free handle.
  public let handleWaits: UInt64
  public let bytesRead: UInt64
  public let bytesWritten: UInt64
  public let outstanding: Int
}

extension IOEngine {
  /// All handles in use. Takes no lock and stops nobody; a row that changes while it is read is read again, one that
  /// has become another I/O is left out, so no row mixes two.
  public func snapshot() -> [IOSnapshot] {
    let now = monotonicNanoseconds()
    return (0..<UInt32(table.count)).compactMap { row($0, now: now) }
  }

  /// PostgreSQL's way to read a handle without a lock: generation and state before, fields, generation and state after.
  private func row(_ index: UInt32, now: UInt64) -> IOSnapshot? {
    let first = table.word(index)
    var before = first
    // States only advance within a generation, so this ends.
    while before.state != .idle, before.generation == first.generation {
      let fields = CopiedFields(table[index])
      atomicMemoryFence(ordering: .acquiring)
      let after = HandleWord(rawValue: table[index].pointee.word.load(ordering: .relaxed))
      if after.generation == before.generation, after.state == before.state {
        return fields.row(index, before, hasRings: method.kind == .ioUring, now: now)
      }
      before = table.word(index)
    }
    return nil
  }

  /// What views show of a slot, read at once.
  private struct CopiedFields {
    let description, offset, length, fileIdentity, rawResult, outcome, submittedAt: UInt64
    let ring, mergedInto, owner: UInt32

    init(_ slot: UnsafeMutablePointer<HandleSlot>) {
      description = slot.pointee.description.relaxed
      offset = slot.pointee.offset.relaxed
      length = slot.pointee.length.relaxed
      fileIdentity = slot.pointee.fileIdentity.relaxed
      rawResult = slot.pointee.rawResult.relaxed
      outcome = slot.pointee.outcome.relaxed
      submittedAt = slot.pointee.submittedAt.relaxed
      ring = slot.pointee.ring.relaxed
      mergedInto = slot.pointee.mergedInto.relaxed
      owner = slot.pointee.owner
    }

    func row(_ index: UInt32, _ word: HandleWord, hasRings: Bool, now: UInt64) -> IOSnapshot {
      let isDefined = word.state.rawValue >= IOHandleState.defined.rawValue
      let isSubmitted = word.state.rawValue >= IOHandleState.submitted.rawValue
      let operation = isDefined ? IOOperation(rawValue: UInt8(truncatingIfNeeded: description)) : nil
      var target: String?
      if let operation, let file = IOFileRegistry.shared.entry(fileIdentity) {
        target =
          IORequest(
            operation, path: file.path, offset: Int64(bitPattern: offset), length: Int(length),
            blockSize: file.blockSize, firstBlock: file.firstBlock
          ).target
      }
      let inPlace = word.has(HandleWord.inPlace)
      return IOSnapshot(
        backend: Int(owner), ioID: Int(index), ioGeneration: word.generation, state: word.state, operation: operation,
        priority: isDefined ? HandleSlot.priority(of: description) : nil,
        offset: isDefined ? Int64(bitPattern: offset) : nil, length: isDefined ? Int64(length) : nil,
        targetDescription: target, handleDataLength: isDefined ? Int(description >> 32 & 0xFFFF) : 0,
        rawResult: word.state.rawValue >= IOHandleState.completedIO.rawValue ? Int64(bitPattern: rawResult) : nil,
        result: word.state.rawValue >= IOHandleState.completedShared.rawValue
          ? IOOutcome(rawValue: outcome).status : .unknown,
        flags: isDefined
          ? IOFlags(rawValue: UInt8(truncatingIfNeeded: description >> 8)).union(inPlace ? .synchronous : []) : [],
        ring: hasRings && isSubmitted && !inPlace ? Int(ring) : nil,
        mergedInto: mergedInto == .noHandle ? nil : Int(mergedInto),
        age: isSubmitted && submittedAt > 0 ? now - min(submittedAt, now) : nil)
    }
  }

  /// Counters of all backends in use.
  public func backendStatistics() -> [IOBackendStatistics] {
    backendNames().map { statistics(of: $0.index, name: $0.name) }
  }

  func statistics(of index: UInt32, name: String) -> IOBackendStatistics {
    let slot = backendSlot(index)
    return IOBackendStatistics(
      backend: Int(index), name: name, executedTotal: slot.pointee.started.relaxed,
      issuedTotal: slot.pointee.issued.relaxed, submissionsTotal: slot.pointee.submissions.relaxed,
      inPlaceTotal: slot.pointee.executedInPlace.relaxed, completedSelfTotal: slot.pointee.completedSelf.relaxed,
      foreignCompletedTotal: slot.pointee.completedOther.relaxed, retryTotal: slot.pointee.retries.relaxed,
      handleWaits: slot.pointee.handleWaits.relaxed, bytesRead: slot.pointee.bytesRead.relaxed,
      bytesWritten: slot.pointee.bytesWritten.relaxed, outstanding: Int(slot.pointee.outstanding.relaxed))
  }
}

extension IOBackend {
  /// This backend's counters so far.
  public var statistics: IOBackendStatistics { engine.statistics(of: index, name: name) }
}
