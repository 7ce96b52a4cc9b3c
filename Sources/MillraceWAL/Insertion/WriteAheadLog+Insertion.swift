public import MillraceIO
public import MillraceStorage
import Synchronization

/// Records into the buffers: no lock, no allocation, no reference counting.
extension WriteAheadLog {
  /// Puts a record into the log.
  ///
  /// The full-page decision and the record's place belong together: where a checkpoint has come between, the record is
  /// assembled again. Pages that it changes are exclusively locked by the caller, from before until he has given them
  /// `end` as their LSN.
  ///
  /// - Parameters:
  ///   - builder: with everything registered, not assembled. Used again afterwards.
  ///   - backend: of the calling thread.
  /// - Returns: where the record starts, and behind its end: the LSN for the pages, and what to flush up to.
  /// - Throws: ``WALError`` `.stopped`.
  /// - Complexity: of the data. Waits only where the buffers are full, or another inserter is preparing the page.
  public func insert(
    _ builder: WALRecordBuilder, backend: IOBackend
  ) throws(WALError) -> (start: LogSequenceNumber, end: LogSequenceNumber) {
    try throwIfFailed()
    let slot = Int(backend.index)
    while true {
      let epoch = reservation.load().epoch
      builder.assemble(
        redoPosition: LogSequenceNumber(reservation.redoPosition(epoch)), fullPageWrites: epoch.fullPageWrites)
      if let place = reserve(builder.totalLength, epoch: epoch, slot: slot) {
        return try fill(place, with: builder, slot: slot, backend: backend)
      }
    }
  }

  /// What a backend has inserted so far: records, pages' images and bytes.
  public func usage(of backend: IOBackend) -> (records: UInt64, images: UInt64, bytes: UInt64) {
    let counters = slots.counters(Int(backend.index))
    return (counters.records, counters.images, counters.bytes)
  }

  /// A record's place, in usable bytes.
  struct Place {
    let start: UInt64
    let end: UInt64
    /// Where the record before it starts.
    let previous: UInt64
  }

  /// Gives a record its place.
  /// - Returns: nil where the epoch is not the present one any more.
  @inline(__always) private func reserve(_ length: Int, epoch: InsertionEpoch, slot: Int) -> Place? {
    let size = UInt64(WALLayout.aligned(length))
    var seen = reservation.load()
    slots.announce(slot, at: seen.next)
    while seen.epoch == epoch {
      let end = seen.next + size
      if reservation.replace(&seen, with: Reservation.State(next: end, previous: seen.next, epoch: epoch)) {
        return Place(start: seen.next, end: end, previous: seen.previous)
      }
    }
    slots.finish(slot)
    return nil
  }

  /// Copies a record to its place and says that it is there.
  func fill(
    _ place: Place, with builder: WALRecordBuilder, slot: Int, backend: IOBackend
  ) throws(WALError) -> (start: LogSequenceNumber, end: LogSequenceNumber) {
    builder.finish(previous: geometry.position(ofUsableByte: place.previous))
    let start = geometry.position(ofUsableByte: place.start)
    do throws(WALError) {
      try copy(builder.ranges, length: builder.totalLength, to: start.rawValue, place, slot: slot, backend: backend)
    } catch {
      slots.abandon(slot)
      throw error
    }
    slots.finish(slot)
    let counters = slots[slot]
    counters.pointee.records.ownerAdd(1)
    counters.pointee.bytes.ownerAdd(place.end - place.start)
    if builder.imageCount > 0 {
      counters.pointee.images.ownerAdd(UInt64(builder.imageCount))
      counters.pointee.imageBytes.ownerAdd(UInt64(builder.imageBytes))
    }
    return (start, geometry.endPosition(ofUsableByte: place.end))
  }

  func copy(
    _ ranges: UnsafeBufferPointer<UnsafeRawBufferPointer>, length: Int, to start: UInt64, _ place: Place, slot: Int,
    backend: IOBackend
  ) throws(WALError) {
    let pageSize = UInt64(WALLayout.pageSize)
    var page = start & ~(pageSize - 1)
    var target = try enter(page, place, slot: slot, backend: backend) + Int(start - page)
    var room = Int(pageSize - (start - page))
    var left = length
    for range in ranges {
      guard var source = range.baseAddress else { continue }
      var count = range.count
      while count > room {
        target.copyMemory(from: source, byteCount: room)
        source += room
        count -= room
        left -= room
        page += pageSize
        target = try enter(page, place, slot: slot, backend: backend)
        WALPageHeader.markContinuation(target, remainingLength: UInt32(left))
        let header = geometry.pageHeaderSize(at: LogSequenceNumber(page))
        target += header
        room = WALLayout.pageSize - header
      }
      target.copyMemory(from: source, byteCount: count)
      target += count
      room -= count
      left -= count
    }
  }

  /// Makes sure that a page is in the buffers. - Returns: where.
  @inline(__always) func enter(
    _ page: UInt64, _ place: Place, slot: Int, backend: IOBackend
  ) throws(WALError) -> UnsafeMutableRawPointer {
    if !buffers.isReady(page) { try enterSlowly(page, place, slot: slot, backend: backend) }
    return buffers.address(of: page)
  }

  @inline(never) private func enterSlowly(
    _ page: UInt64, _ place: Place, slot: Int, backend: IOBackend
  ) throws(WALError) {
    while true {
      switch buffers.enter(page, written: writes.position) {
      case .ready: return
      case .busy(let seen): buffers.sleep(page, seen: seen)
      case .mine:
        prepare(page)
        return
      case .full:
        // What is copied already must not be in the way of writing it out.
        slots.advance(slot, to: max(place.start, geometry.usableByte(at: LogSequenceNumber(page))))
        slots[slot].pointee.buffersFull.ownerAdd(1)
        try write(through: buffers.spaceNeeded(for: page), backend: backend)
      }
    }
  }

  /// Clears a page that has been entered and writes its header.
  private func prepare(_ page: UInt64) {
    let address = buffers.address(of: page)
    address.initializeMemory(as: UInt8.self, repeating: 0, count: WALLayout.pageSize)
    let isFirst = page & (geometry.segmentSize - 1) == 0
    WALPageHeader(
      timeline: configuration.timeline, address: LogSequenceNumber(page),
      flags: page == overwrittenPage ? [.imagesRemovable, .overwritesContinuation] : .imagesRemovable,
      segment: isFirst
        ? WALPageHeader.Segment(
          systemIdentifier: configuration.systemIdentifier, segmentSize: UInt32(geometry.segmentSize)) : nil
    ).store(to: address)
    buffers.publish(page)
    // Somebody should be writing before the ring is full. Once for each page; a load where the writer is at it.
    if isWriteBehindDue(at: page) { writerEvent.signalAll() }
  }
}
