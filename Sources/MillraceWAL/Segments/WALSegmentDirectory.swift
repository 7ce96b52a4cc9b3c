import Glibc
import MillraceIO
public import MillraceStorage
import Synchronization

/// `pg_wal`: the files of the log's segments, as names. Makes new ones ahead of need, renames old ones for reuse,
/// removes what is not needed (PostgreSQL's XLogFileInit, InstallXLogFileSegment, RemoveOldXlogFiles,
/// PreallocXlogFiles).
///
/// A segment is made under a temporary name, filled, made durable, and renamed into place, so that a crash leaves
/// either no segment or a whole one.
public final class WALSegmentDirectory: Sendable {
  public let path: String
  public let geometry: WALGeometry
  public let timeline: UInt32
  private let fileSystem: IOFileSystem
  private let configuration: WALConfiguration
  private let state: Locked<State>

  private struct State {
    var forecast: SegmentForecast
    /// Segments from the current one to this are known to be there.
    var lastKnown: UInt64 = 0
    var statistics = WALSegmentStatistics()
    /// The newest segment that is not there any more; 0 for none.
    var lastRemoved: UInt64 = 0
  }

  init(_ configuration: WALConfiguration) {
    self.configuration = configuration
    path = configuration.directory
    geometry = WALGeometry(segmentSize: configuration.segmentSize)
    timeline = configuration.timeline
    fileSystem = configuration.fileSystem
    state = Locked(
      State(
        forecast: SegmentForecast(
          segmentSize: configuration.segmentSize, sizeMin: configuration.sizeMin, sizeMax: configuration.sizeMax,
          completionTarget: configuration.checkpointCompletionTarget)))
  }

  public var statistics: WALSegmentStatistics { state.withLock { $0.statistics } }

  /// The newest segment that has been removed, or given another name; 0 where none has since the start. Who reads old
  /// log looks at it after each read: what he has read before is what it was.
  public var lastRemoved: UInt64 { state.withLock { $0.lastRemoved } }

  func name(_ number: UInt64) -> String {
    WALSegmentName(timeline: timeline, number: number, segmentSize: geometry.segmentSize).description
  }

  private func path(_ number: UInt64) -> String { "\(path)/\(name(number))" }

  // MARK: Opening

  /// Opens a segment for writing; makes it where it is not there.
  /// - Parameters:
  ///   - options: beside `.write`: how writes shall go.
  ///   - backend: for the I/O of making it.
  func open(_ number: UInt64, _ options: IOFileOptions, backend: IOBackend) throws(IOError) -> IOFile {
    try prepare(through: number, from: number, backend: backend)
    return try fileSystem.open(
      path(number), name: "pg_wal/\(name(number))", options.union(.write), blockSize: WALLayout.pageSize,
      firstBlock: 0)
  }

  /// Opens a segment that is there, past the page cache where the log is written so.
  func openForReading(_ number: UInt64) throws(IOError) -> IOFile {
    try fileSystem.open(
      path(number), name: "pg_wal/\(name(number))", configuration.isDirect ? .direct : [],
      blockSize: WALLayout.pageSize, firstBlock: 0)
  }

  func exists(_ number: UInt64) throws(IOError) -> Bool { try fileSystem.exists(path(number)) }

  /// Makes what is missing of a range of segments. One thread at a time makes; others wait for it.
  func prepare(through last: UInt64, from first: UInt64, backend: IOBackend) throws(IOError) {
    try state.withLock { state throws(IOError) in
      guard last > state.lastKnown || state.lastKnown == 0 || first == last else { return }
      for number in first...max(first, last) {
        if try fileSystem.exists(path(number)) { continue }
        try make(number, backend: backend)
        state.statistics.created += 1
      }
      state.lastKnown = max(state.lastKnown, last)
    }
  }

  // MARK: Making

  private func make(_ number: UInt64, backend: IOBackend) throws(IOError) {
    let temporary = "\(path)/xlogtemp.\(getpid())"
    if try fileSystem.exists(temporary) { try fileSystem.remove(temporary) }
    var options: IOFileOptions = [.write, .create, .exclusive]
    if configuration.isInitializationDirect { options.insert(.direct) }
    let file = try fileSystem.open(
      temporary, name: "pg_wal/xlogtemp.\(getpid())", options, blockSize: WALLayout.pageSize, firstBlock: 0)
    do throws(IOError) {
      defer { backend.engine.close(file, by: backend) }
      try fill(file, backend: backend)
      try backend.synchronize(file, for: .walInit)
    } catch {
      // So that a disk that is full does not stay so because of it.
      try? fileSystem.remove(temporary)
      throw error
    }
    try fileSystem.renameDurably(temporary, to: path(number))
  }

  /// Gives a new segment its length: zeros throughout by many writes in flight, so that later writes change no
  /// metadata; or its last block only.
  private func fill(_ file: IOFile, backend: IOBackend) throws(IOError) {
    let zeros = try IOMemory(byteCount: 64 << 10, hugePages: .off)
    let size = Int(geometry.segmentSize)
    guard configuration.initializesWithZeros else {
      // A whole page, because one byte is more than direct I/O can do.
      let page = UnsafeMutableRawBufferPointer(rebasing: zeros.bytes[..<WALLayout.pageSize])
      return try backend.write(file, at: Int64(size - WALLayout.pageSize), page, for: .walInit)
    }
    let pieces = min(backend.engine.configuration.vectorsPerHandle, 16)
    let chunk = pieces * zeros.byteCount
    let count = (size + chunk - 1) / chunk
    let outcomes = UnsafeMutablePointer<IOOutcome>.allocate(capacity: count)
    defer { outcomes.deallocate() }
    var last = IOReference.none
    for index in 0..<count {
      let offset = index * chunk
      let handle = backend.acquire()
      handle.setUse(.walInit)
      handle.returns(to: outcomes + index)
      var pieceCount = 0
      while pieceCount < pieces, offset + pieceCount * zeros.byteCount < size {
        handle.vectors[pieceCount] = IOVector(base: zeros.baseAddress, byteCount: zeros.byteCount)
        pieceCount += 1
      }
      last = handle.start(.writev, file, at: Int64(offset), vectorCount: pieceCount)
    }
    backend.wait(for: last)
    while (0..<count).contains(where: { outcomes[$0].status == .unknown }) { backend.reap(atLeast: 1) }
    for index in 0..<count {
      let length = min(chunk, size - index * chunk)
      let request = IORequest(.writev, file: file, offset: Int64(index * chunk), length: length)
      let written = try request.bytes(outcomes[index])
      if written < length { throw request.shortTransfer(transferred: written) }
    }
  }

  // MARK: Removing

  /// Renames or removes the segments that recovery will not need any more: after a checkpoint.
  /// - Parameters:
  ///   - redoPosition: of the checkpoint.
  ///   - previousRedoPosition: of the one before, to learn from; nil where there is none.
  ///   - end: where the log ends now.
  ///   - keeping: a position that somebody still reads from.
  /// - Throws: ``WALError``; what has been done until then stays done.
  public func removeOld(
    redoPosition: LogSequenceNumber, previousRedoPosition: LogSequenceNumber?, end: LogSequenceNumber,
    keeping: LogSequenceNumber? = nil
  ) throws(WALError) {
    let oldest = min(redoPosition, keeping ?? redoPosition)
    let firstKept = geometry.segment(of: oldest)
    do throws(IOError) {
      try state.withLock { state throws(IOError) in
        if let previousRedoPosition, previousRedoPosition < redoPosition {
          state.forecast.note(checkpointDistance: redoPosition.rawValue - previousRedoPosition.rawValue)
        }
        let lastToRecycle = state.forecast.lastToRecycle(redoPosition: redoPosition.rawValue)
        var free = geometry.segment(of: end)
        for name in try fileSystem.list(path) {
          guard let segment = WALSegmentName(name, segmentSize: geometry.segmentSize), segment.number < firstKept else {
            continue
          }
          // Before it is gone, so that who reads it meanwhile finds out.
          state.lastRemoved = max(state.lastRemoved, segment.number)
          // The number counts, whatever the timeline: older timelines' segments are not needed either.
          if try recycle(name, free: &free, lastToRecycle: lastToRecycle) {
            state.statistics.recycled += 1
          } else {
            try fileSystem.removeDurably("\(path)/\(name)")
            state.statistics.removed += 1
          }
        }
      }
    } catch {
      throw WALError(error)
    }
  }

  /// Renames an old segment to the next number that is free.
  /// - Parameter free: where to begin to look; set behind what was taken.
  private func recycle(_ name: String, free: inout UInt64, lastToRecycle: UInt64) throws(IOError) -> Bool {
    guard configuration.recyclesSegments else { return false }
    while free <= lastToRecycle {
      let target = path(free)
      if try fileSystem.exists(target) {
        free += 1
        continue
      }
      let old = try fileSystem.open("\(path)/\(name)", [])
      defer { old.close() }
      guard try old.size() == Int64(geometry.segmentSize) else { return false }
      try fileSystem.renameDurably("\(path)/\(name)", to: target)
      free += 1
      return true
    }
    return false
  }

  /// Removes what making a segment left behind in a crash (PostgreSQL's RemoveTempXlogFiles). Before the log is used.
  func removeTemporaryFiles() throws(IOError) {
    for name in try fileSystem.list(path) where name.hasPrefix("xlogtemp.") {
      try fileSystem.remove("\(path)/\(name)")
    }
  }

  /// The segments that are there, in order.
  public func list() throws(WALError) -> [WALSegmentName] {
    do throws(IOError) {
      return try fileSystem.list(path).compactMap { WALSegmentName($0, segmentSize: geometry.segmentSize) }
    } catch {
      throw WALError(error)
    }
  }
}

/// What has become of segments since the start.
public struct WALSegmentStatistics: Sendable, Equatable {
  /// Made anew.
  public internal(set) var created: UInt64 = 0
  /// Renamed for reuse.
  public internal(set) var recycled: UInt64 = 0
  public internal(set) var removed: UInt64 = 0

  public init(created: UInt64 = 0, recycled: UInt64 = 0, removed: UInt64 = 0) {
    (self.created, self.recycled, self.removed) = (created, recycled, removed)
  }
}
