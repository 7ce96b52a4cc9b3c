import Glibc
import MillraceSimulation

@testable import MillraceIO

/// What a model run compares.
extension ModelRun {
  /// Checks what has ended, and takes it back.
  func harvest() throws {
    for slot in inFlight.keys.sorted() {
      guard let io = inFlight[slot], engine.isCompleted(io.reference) else { continue }
      // Its outcome is in its place when its owner has taken the handle back.
      backends[io.backend].backend.wait(for: io.reference)
      inFlight[slot] = nil
      freeSlots.append(slot)
      past.append(io.reference)
      try checkLayers(io)
      try check(io, io.isAbandoned ? nil : outcomes[slot])
      if io.isAbandoned {
        try require(outcomes[slot] == .unknown, "the outcome of \(io.number), which was abandoned, was written")
      }
    }
  }

  /// - Parameter outcome: nil where it was given up.
  private func check(_ io: ModelIO, _ outcome: IOOutcome?) throws {
    if let outcome { note("\(io.number) ended: \(outcome.status) \(outcome.result) \(outcome.detail)") }
    if outcome?.status == .failed { try justify(io, errno: Int32(outcome?.detail ?? 0)) }
    switch (io.operation, outcome?.status) {
    case (.readv, .ok), (.readv, .partial): try checkRead(io, outcome)
    case (.writev, .ok):
      try require(outcome?.result == Int32(io.range.count), "\(io.number) wrote \(outcome?.result ?? 0) bytes")
      take(io)
    case (.writev, .failed), (.writev, nil): try takeSome(io)
    case (.allocate, .ok): extend(io.file, to: io.range.upperBound)
    case (.readv, nil), (.readv, .failed), (.allocate, .failed): break
    case (_, .ok), (_, .failed), (_, nil): break
    default: throw Failure(description: "\(io.number), \(io.operation), ended \(outcome?.status.description ?? "")")
    }
  }

  private func checkRead(_ io: ModelIO, _ outcome: IOOutcome?) throws {
    guard let outcome else { return }
    let bytes = files[io.file].bytes
    let expected = max(min(io.range.upperBound, bytes.count) - io.range.lowerBound, 0)
    try require(
      outcome.result == Int32(expected) && (outcome.status == .ok) == (expected == io.range.count),
      "\(io.number) read \(outcome.result) bytes (\(outcome.status)) of \(io.range), and the file has \(bytes.count)")
    if expected < io.range.count { seen.insert(expected > 0 ? .readAtEnd : .readBeyondEnd) }
    var done = 0
    for piece in io.pieces {
      let read = UnsafeRawBufferPointer(start: memory.baseAddress + io.memory + piece.start, count: piece.length)
      let part = max(min(piece.length, expected - done), 0)
      let start = io.range.lowerBound + done
      let isSame = part == 0 || ModelBytes.areEqual(.init(rebasing: read[..<part]), bytes[start..<start + part])
      try require(isSame, "\(io.number) read wrong bytes in \(piece) of \(io.range)")
      done += piece.length
    }
  }

  /// The file has the whole write.
  private func take(_ io: ModelIO) {
    extend(io.file, to: io.range.upperBound)
    files[io.file].bytes.replaceSubrange(io.range, with: io.payload)
  }

  private func extend(_ file: Int, to length: Int) {
    let missing = length - files[file].bytes.count
    if missing > 0 { files[file].bytes += [UInt8](repeating: 0, count: missing) }
  }

  /// The file may have any sector of a write that failed, and nothing else: what it has, the model takes over.
  private func takeSome(_ io: ModelIO) throws {
    if io.isAbandoned { seen.insert(.abandonedWrite) }
    let old = files[io.file].bytes
    let now = disk.contents(of: files[io.file].path) ?? []
    extend(io.file, to: min(now.count, io.range.upperBound))
    var start = io.range.lowerBound
    while start < min(io.range.upperBound, files[io.file].bytes.count) {
      let end = min((start / Self.unit + 1) * Self.unit, io.range.upperBound, files[io.file].bytes.count)
      let payload = io.payload[start - io.range.lowerBound..<end - io.range.lowerBound]
      let before =
        old[min(start, old.count)..<min(end, old.count)]
        + repeatElement(0, count: end - max(start, min(end, old.count)))
      let found = now[start..<end]
      let isEither =
        ModelBytes.areEqual(found, payload) || ModelBytes.areEqual(found, before[...])
        || zip(found, zip(payload, before)).allSatisfy {
          $0 == $1.0 || $0 == $1.1
        }
      try require(isEither, "\(io.number) failed, and left something else in \(start)..<\(end)")
      files[io.file].bytes.replaceSubrange(start..<end, with: found)
      start = end
    }
  }

  /// Every error is a fault of the disk, and there are no more errors than faults.
  private func justify(_ io: ModelIO, errno number: Int32) throws {
    let faults = disk.faultCounts
    switch (number, io.operation) {
    case (EIO, .readv):
      errorsSeen.badSector += 1
      seen.insert(.badSector)
      try require(
        errorsSeen.badSector <= faults.badSectorErrors, "\(io.number): an I/O error without a bad sector")
    case (EIO, .writev):
      errorsSeen.write += 1
      seen.insert(.failedWrite)
      try require(
        errorsSeen.write <= faults.writeErrors + faults.badSectorErrors, "\(io.number): an I/O error from nowhere"
      )
    case (EIO, .fsync), (EIO, .fdatasync):
      errorsSeen.sync += 1
      seen.insert(.failedSync)
      try require(errorsSeen.sync <= faults.syncErrors, "\(io.number): a sync failed for no reason")
    case (ENOSPC, .writev), (ENOSPC, .allocate):
      errorsSeen.noSpace += 1
      seen.insert(.noSpace)
      try require(errorsSeen.noSpace <= faults.noSpace, "\(io.number): no space on a disk that has some")
    case (EROFS, .writev), (EROFS, .allocate):
      errorsSeen.readOnly += 1
      seen.insert(.readOnly)
      try require(errorsSeen.readOnly <= faults.readOnly, "\(io.number): read-only, on a disk that is not")
    default: throw Failure(description: "\(io.number), \(io.operation), failed with \(IOError.text(of: number))")
    }
  }

  /// Each layer was asked once for each thing, the last one first.
  private func checkLayers(_ io: ModelIO) throws {
    let events = log.events.removeValue(forKey: io.reference) ?? []
    let order = io.layers.reversed()
    let expected = ["stage", "complete", "local"].flatMap { event in order.map { "\(event) \($0)" } }
    try require(events == expected, "\(io.number) has layers \(io.layers), of which were asked: \(events)")
  }

  /// Every row of the snapshot is an I/O in flight, with all its own fields.
  func checkSnapshot() throws {
    let rows = engine.snapshot()
    let known = Dictionary(inFlight.values.map { ($0.reference, $0) }, uniquingKeysWith: { first, _ in first })
    for row in rows {
      let reference = IOReference(index: UInt32(row.ioID), generation: row.ioGeneration)
      guard let io = known[reference] else { throw Failure(description: "a row of no I/O: \(row)") }
      try require(
        row.operation == io.operation && row.offset == Int64(io.range.lowerBound)
          && row.length == Int64(io.range.count),
        "\(io.number) is shown as \(row)")
      if let target = row.targetDescription {
        try require(target.hasSuffix("file \"\(files[io.file].path)\""), "\(io.number) is shown on \(target)")
      }
    }
    let open = inFlight.values.count { !engine.isCompleted($0.reference) }
    try require(rows.count >= open, "of \(open) I/Os in flight the snapshot has \(rows.count)")
  }

  /// Reads a file through the engine and compares all of it.
  func compareWholeFile(_ index: Int) throws {
    let backend = backends[0]
    var offset = 0
    while offset < files[index].bytes.count {
      outcomes[0] = .unknown
      let handle = backend.backend.acquire()
      handle.returns(to: outcomes)
      let piece = UnsafeMutableRawBufferPointer(start: memory.baseAddress, count: Self.slotBytes)
      let reference = handle.start(.readv, files[index].file, at: Int64(offset), memory: piece)
      backend.started += 1
      backend.backend.wait(for: reference)
      let expected = files[index].bytes[offset..<min(offset + Self.slotBytes, files[index].bytes.count)]
      try require(
        outcomes[0].result == Int32(expected.count)
          && ModelBytes.areEqual(.init(rebasing: piece[..<expected.count]), expected),
        "\(files[index].path) from \(offset) differs from the model")
      offset += Self.slotBytes
    }
  }
}
