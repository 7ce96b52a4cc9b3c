import MillraceIO
import MillraceStorage

/// Records in order, in a file: written once from front to end, then read. Two buffers, so that the device works
/// on one while the other is filled or emptied.
///
/// A record is its prefix, its length, and its bytes, padded to eight.
final class SortRun {
  static let headerSize = 16

  private let file: TemporaryFile
  private let backend: IOBackend
  private var buffers: [UnsafeMutableRawBufferPointer]
  private let outcomes: UnsafeMutablePointer<IOOutcome>
  private var pending: [(request: IORequest, reference: IOReference)?] = [nil, nil]
  private var current = 0
  private var used = 0
  /// Bytes in the file.
  private(set) var length: Int64 = 0
  private(set) var recordCount = 0
  // Reading.
  private var filled = 0
  private var nextOffset: Int64 = 0
  private var scratch = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  /// The present record.
  private(set) var prefix: UInt64 = 0
  private(set) var record = UnsafeRawBufferPointer(start: nil, count: 0)

  /// - Parameter bufferSize: bytes of each of the two buffers; a multiple of 4096.
  init(_ file: TemporaryFile, _ backend: IOBackend, bufferSize: Int) {
    (self.file, self.backend) = (file, backend)
    buffers = (0..<2).map { _ in .allocate(byteCount: bufferSize, alignment: 4096) }
    outcomes = .allocate(capacity: 2)
    outcomes.initialize(repeating: .unknown, count: 2)
  }

  deinit {
    for (_, reference) in pending.compactMap({ $0 }) { backend.wait(for: reference) }
    for buffer in buffers { buffer.deallocate() }
    outcomes.deallocate()
    scratch.deallocate()
  }

  private func start(_ operation: IOOperation, _ index: Int, at offset: Int64, count: Int) {
    let memory = UnsafeMutableRawBufferPointer(rebasing: buffers[index][..<count])
    let request = IORequest(operation, file: file.file, offset: offset, length: count)
    let handle = backend.acquire()
    handle.returns(to: outcomes + index)
    let blocks = UInt64((count + PageLayout.blockSize - 1) / PageLayout.blockSize)
    if operation == .readv {
      backend.temporaryFileUsage.reads &+= blocks
    } else {
      backend.temporaryFileUsage.writes &+= blocks
    }
    pending[index] = (request, handle.start(operation, file.file, at: offset, memory: memory))
    backend.submit()
  }

  /// Waits for a buffer's I/O. - Returns: bytes that were moved.
  @discardableResult
  private func settle(_ index: Int) throws(IOError) -> Int {
    guard let (request, reference) = pending[index] else { return 0 }
    pending[index] = nil
    backend.wait(for: reference)
    let count = try request.bytes(outcomes[index])
    guard count == request.length else { throw request.shortTransfer(transferred: count) }
    return count
  }

  // MARK: Writing

  func append(_ prefix: UInt64, _ bytes: UnsafeRawBufferPointer) throws(IOError) {
    recordCount += 1
    let padding = PageLayout.aligned(bytes.count) - bytes.count
    // Mostly all of it goes into the present buffer.
    let size = Self.headerSize + bytes.count + padding
    if used + size < buffers[current].count, let base = buffers[current].baseAddress {
      let place = base + used
      place.storeBytes(of: prefix, as: UInt64.self)
      place.storeBytes(of: UInt64(bytes.count), toByteOffset: 8, as: UInt64.self)
      if let source = bytes.baseAddress {
        (place + Self.headerSize).copyMemory(from: source, byteCount: bytes.count)
      }
      (place + Self.headerSize + bytes.count).initializeMemory(as: UInt8.self, repeating: 0, count: padding)
      used += size
      return
    }
    try put(prefix)
    try put(UInt64(bytes.count))
    try put(bytes)
    for _ in 0..<padding { try put(0 as UInt8) }
  }

  private func put(_ value: some FixedWidthInteger) throws(IOError) {
    var value = value
    let bytes = withUnsafeMutableBytes(of: &value) { Array($0) }
    try bytes.withBytes { bytes throws(IOError) in try put(bytes) }
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws(IOError) {
    var rest = bytes
    while rest.count > 0 {
      let room = buffers[current].count - used
      let count = min(room, rest.count)
      UnsafeMutableRawBufferPointer(rebasing: buffers[current][used..<used + count])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
      used += count
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      if used == buffers[current].count { try flush() }
    }
  }

  private func flush() throws(IOError) {
    start(.writev, current, at: length, count: used)
    length += Int64(used)
    (current, used) = (1 - current, 0)
    try settle(current)
  }

  /// Ends writing. The buffers go until it is read.
  func endWriting() throws(IOError) {
    if used > 0 { try flush() }
    try settle(0)
    try settle(1)
    for buffer in buffers { buffer.deallocate() }
    buffers = []
  }

  // MARK: Reading

  /// Begins to read from the front, perhaps once more.
  /// - Parameter bufferSize: as when it was made.
  func beginReading(bufferSize: Int) throws(IOError) {
    try settle(0)
    try settle(1)
    for buffer in buffers { buffer.deallocate() }
    buffers = (0..<2).map { _ in .allocate(byteCount: bufferSize, alignment: 4096) }
    (current, used, filled, nextOffset) = (0, 0, 0, 0)
    readAhead(0)
    readAhead(1)
    filled = try settle(0)
  }

  private func readAhead(_ index: Int) {
    let count = Int(min(Int64(buffers[index].count), length - nextOffset))
    guard count > 0 else { return }
    start(.readv, index, at: nextOffset, count: count)
    nextOffset += Int64(count)
  }

  /// Goes on to the next record. - Returns: whether there is one.
  func advance() throws(IOError) -> Bool {
    if used == filled, try !nextBuffer() { return false }
    let header = try take(Self.headerSize)
    prefix = header.load(as: UInt64.self)
    let count = Int(header.load(fromByteOffset: 8, as: UInt64.self))
    let bytes = try take(PageLayout.aligned(count))
    record = UnsafeRawBufferPointer(rebasing: bytes[..<count])
    return true
  }

  /// Turns to the other buffer, and has this one filled. - Returns: false at the end.
  private func nextBuffer() throws(IOError) -> Bool {
    readAhead(current)
    current = 1 - current
    used = 0
    filled = try settle(current)
    return filled > 0
  }

  /// The next bytes, in one piece.
  private func take(_ count: Int) throws(IOError) -> UnsafeRawBufferPointer {
    if used + count <= filled {
      defer { used += count }
      return UnsafeRawBufferPointer(rebasing: buffers[current][used..<used + count])
    }
    if scratch.count < count {
      scratch.deallocate()
      scratch = .allocate(byteCount: max(count, 8192), alignment: 8)
    }
    var done = 0
    while done < count {
      if used == filled, try !nextBuffer() {
        throw IOError(.systemCall, message: "temporary file \"\(file.file.path)\" ends within a record")
      }
      let part = min(count - done, filled - used)
      UnsafeMutableRawBufferPointer(rebasing: scratch[done..<done + part])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: buffers[current][used..<used + part]))
      (done, used) = (done + part, used + part)
    }
    return UnsafeRawBufferPointer(rebasing: scratch[..<count])
  }
}
