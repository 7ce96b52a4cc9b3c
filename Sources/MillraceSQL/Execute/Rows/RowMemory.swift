/// Memory for many records, one after another, that do not move. All of it goes at once.
final class RowMemory {
  private var chunks: [UnsafeMutableRawBufferPointer] = []
  private var next: UnsafeMutableRawPointer?
  private var room = 0
  /// Bytes that were asked of the system.
  private(set) var capacity = 0
  private let chunkMax: Int

  init(chunkMax: Int = 1 << 20) { self.chunkMax = chunkMax }

  deinit { for chunk in chunks { chunk.deallocate() } }

  /// Room for a record, aligned to eight.
  @inline(__always) func allocate(_ size: Int) -> UnsafeMutableRawPointer {
    let size = (size + 7) & ~7
    if size > room { grow(size) }
    guard let start = next else { preconditionFailure("memory for rows has no address") }
    next = start + size
    room -= size
    return start
  }

  /// Gives the last record back.
  func shrink(_ size: Int) {
    let size = (size + 7) & ~7
    next = next.map { $0 - size }
    room += size
  }

  @inline(never) private func grow(_ size: Int) {
    // Small at first: most statements keep few rows.
    let wanted = max(min(max(capacity, 4096), chunkMax), size)
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: wanted, alignment: 16)
    chunks.append(chunk)
    (next, room) = (chunk.baseAddress, wanted)
    capacity += wanted
  }

  func removeAll() {
    for chunk in chunks { chunk.deallocate() }
    (chunks, next, room, capacity) = ([], nil, 0, 0)
  }
}
