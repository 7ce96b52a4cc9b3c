public import MillraceIO

extension BufferPool {
  /// Writes out every page of a fork that is dirty now, and waits for that (PostgreSQL's FlushRelationBuffers). Makes
  /// nothing durable. The calling thread has no page locked.
  /// - Parameter backend: the calling thread's.
  /// - Throws: ``StorageError`` where a page could not be written, which stays dirty.
  /// - Complexity: O(buffers).
  public func flush(
    _ fork: StoredFork, _ backend: IOBackend, configuration: WriteStreamConfiguration = WriteStreamConfiguration()
  ) throws(StorageError) {
    let stream = WriteStream(self, backend, configuration: configuration)
    for buffer in 0..<UInt32(count) {
      let tag = tag(buffer)
      if tag.fork == fork.id, state(buffer).has(BufferState.dirty) { stream.add(buffer, tag) }
    }
    try stream.finish()
  }
}
