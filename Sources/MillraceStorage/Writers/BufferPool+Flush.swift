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
    let id = fork.id
    try flush(backend, configuration) { $0 == id }
  }

  /// Writes out every dirty page of all forks of one kind, such as the initialization forks that unlogged relations are
  /// made from again. Otherwise like the above.
  public func flush(_ number: ForkNumber, _ backend: IOBackend) throws(StorageError) {
    try flush(backend, WriteStreamConfiguration()) { forks.retained($0)?.fork == number }
  }

  private func flush(
    _ backend: IOBackend, _ configuration: WriteStreamConfiguration, where isWanted: (ForkID) -> Bool
  ) throws(StorageError) {
    let stream = WriteStream(self, backend, configuration: configuration)
    for buffer in 0..<UInt32(count) where state(buffer).has(BufferState.dirty) {
      let tag = tag(buffer)
      if isWanted(tag.fork) { stream.add(buffer, tag) }
    }
    try stream.finish()
  }
}
