import MillraceIO

extension ReadStream {
  /// The next page, suspending the task instead of blocking the thread where it is not there yet. For backends that are
  /// not exclusive, from one task at a time.
  ///
  /// - Throws: ``StorageError``, or ``IOError`` `.cancelled` when the task was cancelled while it waited: then nothing
  ///   is lost, the read goes on, and the page can be asked for again.
  public nonisolated(nonsending) func nextPage() async throws -> PinnedBuffer? {
    prepare()
    if let reference = oldestReference { try await reader.backend.engine.completion(of: reference) }
    return try next()
  }

  /// Reads ahead if nothing is queued.
  private func prepare() {
    if own.pointee.pinned == 0 { lookAhead() }
  }

  /// What the oldest page waits for, if anything.
  private var oldestReference: IOReference? {
    guard own.pointee.inProgress > 0, own.pointee.operationStarts[own.pointee.oldestOperation] == own.pointee.oldest
    else { return nil }
    let reference = own.pointee.operations[own.pointee.oldestOperation].reference
    return reference.isNone ? nil : reference
  }

  /// The rest of the stream as an asynchronous sequence.
  public var pages: Pages { Pages(stream: self) }

  /// The pages of a stream, read ahead while the consumer works.
  public struct Pages: AsyncSequence {
    public typealias Element = Page
    let stream: ReadStream

    public func makeAsyncIterator() -> Iterator { Iterator(stream: stream) }

    public struct Iterator: AsyncIteratorProtocol {
      let stream: ReadStream

      public nonisolated(nonsending) mutating func next() async throws -> Page? {
        guard let buffer = try await stream.nextPage() else { return nil }
        return Page(buffer)
      }
    }
  }
}
