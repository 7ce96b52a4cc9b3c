/// What one buffer holds: a row of `pg_buffercache`.
public struct BufferContents: Sendable {
  public let buffer: Int
  /// Nil where it holds nothing.
  public let page: (locator: RelationLocator, fork: ForkNumber, block: UInt32)?
  public let isDirty: Bool
  public let usage: Int
  public let pins: Int
}

extension BufferPool {
  /// What all buffers hold. Stops nobody: each row by itself is true, all together are of about the same moment.
  public func contents() -> [BufferContents] {
    (0..<UInt32(count)).map { buffer in
      let seen = state(buffer)
      let tag = tag(buffer)
      guard seen.has(BufferState.tagValid), state(buffer).has(BufferState.tagValid), tag == self.tag(buffer),
        let fork = forks.retained(tag.fork)
      else { return BufferContents(buffer: Int(buffer) + 1, page: nil, isDirty: false, usage: 0, pins: 0) }
      return BufferContents(
        buffer: Int(buffer) + 1, page: (fork.locator, fork.fork, tag.block), isDirty: seen.has(BufferState.dirty),
        usage: Int(seen.usage), pins: Int(seen.pins))
    }
  }
}
