import MillraceIO

/// Several I/Os that are submitted together and waited for together.
struct IOGroup: ~Copyable {
  private let backend: IOBackend
  private let outcomes: UnsafeMutablePointer<IOOutcome>
  private var started: [(request: IORequest, reference: IOReference)] = []
  private let capacity: Int

  /// - Parameter capacity: I/Os at most.
  init(_ backend: IOBackend, capacity: Int) {
    (self.backend, self.capacity) = (backend, capacity)
    outcomes = .allocate(capacity: max(capacity, 1))
    started.reserveCapacity(capacity)
  }

  deinit {
    for (_, reference) in started { backend.wait(for: reference) }
    outcomes.deallocate()
  }

  /// - Parameter memory: stays as it is until the group has been waited for.
  mutating func write(_ file: IOFile, at offset: Int64, _ memory: UnsafeMutableRawBufferPointer) {
    let request = IORequest(.writev, file: file, offset: offset, length: memory.count)
    let handle = next()
    started.append((request, handle.start(.writev, file, at: offset, memory: memory)))
  }

  mutating func sync(_ file: IOFile) {
    let handle = next()
    started.append((IORequest(.fsync, file: file, offset: 0, length: 0), handle.start(.fsync, file)))
  }

  private func next() -> IOHandle {
    precondition(started.count < capacity, "more I/Os than a group was made for")
    let handle = backend.acquire()
    handle.returns(to: outcomes + started.count)
    return handle
  }

  /// Waits for all of them.
  /// - Throws: the first failure, when all have ended.
  mutating func wait() throws(IOError) {
    var failure: IOError?
    for (_, reference) in started { backend.wait(for: reference) }
    for (index, (request, _)) in started.enumerated() {
      do throws(IOError) {
        let count = try request.bytes(outcomes[index])
        if request.operation == .writev, count < request.length { throw request.shortTransfer(transferred: count) }
      } catch {
        failure = failure ?? error
      }
    }
    started.removeAll(keepingCapacity: true)
    if let failure { throw failure }
  }
}
