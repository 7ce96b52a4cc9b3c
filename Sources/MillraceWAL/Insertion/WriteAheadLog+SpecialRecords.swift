public import MillraceIO
public import MillraceStorage
import Synchronization

/// Records that change how the log goes on.
extension WriteAheadLog {
  /// Fixes the redo position of a checkpoint and begins a new epoch in the step that gives the record CHECKPOINT_REDO
  /// its place: the record is the redo position (PostgreSQL 18, CreateCheckPoint).
  ///
  /// From then on a page whose LSN is not behind it gets a full-page image with its next change. One checkpoint at a
  /// time.
  /// - Parameters:
  ///   - walLevel: what the record says: `wal_level`, 1 for `replica`.
  ///   - builder: used again afterwards.
  /// - Returns: the redo position, and the record's end.
  /// - Throws: ``WALError`` `.stopped`.
  public func beginCheckpoint(
    walLevel: Int32 = 1, _ builder: WALRecordBuilder, backend: IOBackend
  ) throws(WALError) -> (redo: LogSequenceNumber, end: LogSequenceNumber) {
    try throwIfFailed()
    builder.begin(.xlog, info: XLOGRecordKind.checkpointRedo.rawValue)
    builder.appendData(walLevel)
    let slot = Int(backend.index)
    builder.assemble(redoPosition: .invalid, fullPageWrites: false)
    let size = UInt64(WALLayout.aligned(builder.totalLength))
    let place = epochChange.withLock { _ in
      var seen = reservation.load()
      slots.announce(slot, at: seen.next)
      while true {
        let next = beginEpoch(after: seen)
        let end = seen.next + size
        if reservation.replace(&seen, with: Reservation.State(next: end, previous: seen.next, epoch: next)) {
          return Place(start: seen.next, end: end, previous: seen.previous)
        }
      }
    }
    let (redo, end) = try fill(place, with: builder, slot: slot, backend: backend)
    return (redo, end)
  }

  /// Fixes the redo position of a checkpoint where the next record will start: for a shutdown, when nobody inserts.
  /// - Returns: the redo position.
  public func beginShutdownCheckpoint() -> LogSequenceNumber {
    epochChange.withLock { _ in
      var seen = reservation.load()
      while true {
        let next = beginEpoch(after: seen)
        let same = Reservation.State(next: seen.next, previous: seen.previous, epoch: next)
        if reservation.replace(&seen, with: same) { return geometry.position(ofUsableByte: seen.next) }
      }
    }
  }

  /// Changes `full_page_writes`. Records that were assembled by the old value and have no place yet are assembled
  /// again.
  public func setFullPageWrites(_ isOn: Bool) {
    epochChange.withLock { _ in
      var seen = reservation.load()
      while seen.epoch.fullPageWrites != isOn {
        let next = seen.epoch.next(fullPageWrites: isOn)
        reservation.prepare(next, redoPosition: reservation.redoPosition(seen.epoch))
        let same = Reservation.State(next: seen.next, previous: seen.previous, epoch: next)
        if reservation.replace(&seen, with: same) { return }
      }
    }
  }

  /// Puts the redo position of the epoch down that is to begin where a state was seen.
  private func beginEpoch(after seen: Reservation.State) -> InsertionEpoch {
    let next = seen.epoch.next(fullPageWrites: seen.epoch.fullPageWrites)
    reservation.prepare(next, redoPosition: geometry.position(ofUsableByte: seen.next).rawValue)
    return next
  }

  /// Ends the current segment by the record SWITCH; the next record starts the next segment (PostgreSQL's
  /// RequestXLogSwitch). Does nothing at the start of a segment.
  /// - Returns: the start of the segment that follows what was switched away from.
  /// - Throws: ``WALError`` `.stopped`.
  public func switchSegment(
    _ builder: WALRecordBuilder, backend: IOBackend
  ) throws(WALError) -> LogSequenceNumber {
    try throwIfFailed()
    builder.begin(.xlog, info: XLOGRecordKind.switch.rawValue)
    builder.assemble(redoPosition: .invalid, fullPageWrites: false)
    let slot = Int(backend.index)
    let size = UInt64(WALLayout.aligned(builder.totalLength))
    let usable = geometry.usableBytesInSegment
    var seen = reservation.load()
    slots.announce(slot, at: seen.next)
    while true {
      guard seen.next % usable != 0 else {
        slots.finish(slot)
        return geometry.endPosition(ofUsableByte: seen.next)
      }
      let end = (seen.next + size + usable - 1) / usable * usable
      if reservation.replace(&seen, with: Reservation.State(next: end, previous: seen.next, epoch: seen.epoch)) {
        let place = Place(start: seen.next, end: end, previous: seen.previous)
        try fillSwitch(place, builder, size: size, slot: slot, backend: backend)
        return geometry.endPosition(ofUsableByte: end)
      }
    }
  }

  /// Copies the record SWITCH and enters the pages behind it, so that they have headers and zeros.
  private func fillSwitch(
    _ place: Place, _ builder: WALRecordBuilder, size: UInt64, slot: Int, backend: IOBackend
  ) throws(WALError) {
    builder.finish(previous: geometry.position(ofUsableByte: place.previous))
    let start = geometry.position(ofUsableByte: place.start).rawValue
    let end = geometry.endPosition(ofUsableByte: place.end).rawValue
    let pageSize = UInt64(WALLayout.pageSize)
    do throws(WALError) {
      try copy(builder.ranges, length: builder.totalLength, to: start, place, slot: slot, backend: backend)
      let recordEnd = geometry.endPosition(ofUsableByte: place.start + size).rawValue
      var page = (recordEnd + pageSize - 1) & ~(pageSize - 1)
      while page < end {
        _ = try enter(page, place, slot: slot, backend: backend)
        page += pageSize
      }
    } catch {
      slots.abandon(slot)
      throw error
    }
    slots.finish(slot)
    slots[slot].pointee.records.ownerAdd(1)
    slots[slot].pointee.bytes.ownerAdd(size)
    shared.pointee.switchedSegments.sharedAdd(1)
  }

  /// Says that the record before the one that comes now was never finished: the first record of a log that goes on
  /// behind a part of it, on a page whose header says the same (PostgreSQL's CreateOverwriteContrecordRecord).
  ///
  /// Who follows the log may have got the pages with that part and waits for the rest. Were the log to go on from where
  /// the record starts, it would have other bytes there than we.
  func giveUp(_ record: LogSequenceNumber, backend: IOBackend) throws(WALError) {
    let builder = WALRecordBuilder()
    builder.begin(.xlog, info: XLOGRecordKind.overwriteContinuation.rawValue)
    OverwriteContinuationRecord(overwritten: record, time: configuration.clock()).append(to: builder)
    let (start, end) = try insert(builder, backend: backend)
    invariant(
      Self.pageStart(start.rawValue) == overwrittenPage, "a record was given up where the log does not go on")
    try flush(upTo: end, backend: backend)
  }

  // MARK: Padding

  /// Fills the page on which the log ends up with a record NOOP, so that the next flush ends at a page's end and the
  /// next commit need not wait until this page has been written (`io_wal_pad_partial`). Costs WAL.
  ///
  /// Does nothing where others insert or pad at the same time, or where less than a record's header is left of the
  /// page.
  func padPartialPage(backend: IOBackend) throws(WALError) {
    let isMine = shared.pointee.isPadding.compareExchange(
      expected: false, desired: true, ordering: .acquiringAndReleasing
    ).exchanged
    guard isMine else { return }
    defer { shared.pointee.isPadding.store(false, ordering: .releasing) }
    let builder = paddingBuilder
    let slot = Int(backend.index)
    var seen = reservation.load()
    let end = geometry.endPosition(ofUsableByte: seen.next).rawValue
    let room = Int(Self.pageEnd(end) - end)
    guard room >= WALLayout.recordHeaderSize else { return }
    // What the data itself is headed by takes two bytes, or five.
    builder.begin(.xlog, info: XLOGRecordKind.noop.rawValue)
    let data = room - WALLayout.recordHeaderSize
    if data > 0 {
      builder.registerData(UnsafeRawBufferPointer(rebasing: zeroPage[..<(data - (data <= 257 ? 2 : 5))]))
    }
    builder.assemble(redoPosition: .invalid, fullPageWrites: false)
    invariant(WALLayout.aligned(builder.totalLength) == room, "a record that fills a page up has another length")
    slots.announce(slot, at: seen.next)
    let next = Reservation.State(next: seen.next + UInt64(room), previous: seen.next, epoch: seen.epoch)
    guard reservation.replace(&seen, with: next) else { return slots.finish(slot) }
    let place = Place(start: seen.next, end: seen.next + UInt64(room), previous: seen.previous)
    _ = try fill(place, with: builder, slot: slot, backend: backend)
    shared.pointee.padded.sharedAdd(1)
    shared.pointee.paddedBytes.sharedAdd(UInt64(room))
  }
}
