/// Whole operations, waited for at once: plain system calls, with the engine's retries, statistics and error texts.
extension IOBackend {
  /// Reads until `memory` is full or the file ends.
  /// - Returns: bytes read.
  /// - Throws: ``IOError``.
  @discardableResult
  public func read(_ file: IOFile, at offset: Int64, _ memory: UnsafeMutableRawBufferPointer) throws(IOError) -> Int {
    try perform(IORequest(.readv, file: file, offset: offset, length: memory.count)) { handle in
      handle.start(.readv, file, at: offset, memory: memory, flags: .synchronous)
    }
  }

  /// Writes all of `memory`.
  /// - Throws: ``IOError``.
  public func write(
    _ file: IOFile, at offset: Int64, _ memory: UnsafeMutableRawBufferPointer, for use: IOUse = .other
  ) throws(IOError) {
    let request = IORequest(.writev, file: file, offset: offset, length: memory.count)
    let written = try perform(request) { handle in
      handle.setUse(use)
      return handle.start(.writev, file, at: offset, memory: memory, flags: .synchronous)
    }
    if written < memory.count { throw request.shortTransfer(transferred: written) }
  }

  /// Makes a file durable.
  /// - Parameter dataOnly: without the metadata that is not needed to read it back.
  public func synchronize(_ file: IOFile, dataOnly: Bool = false, for use: IOUse = .other) throws(IOError) {
    let operation: IOOperation = dataOnly ? .fdatasync : .fsync
    _ = try perform(IORequest(operation, file: file, offset: 0, length: 0)) { handle in
      handle.setUse(use)
      return handle.start(operation, file, flags: .synchronous)
    }
  }

  /// Reserves a range and extends the file over it, filled with zeros.
  public func allocate(_ file: IOFile, at offset: Int64, length: Int64) throws(IOError) {
    _ = try perform(IORequest(.allocate, file: file, offset: offset, length: Int(length))) { handle in
      handle.start(.allocate, file, at: offset, length: length, flags: .synchronous)
    }
  }

  private func perform(
    _ request: IORequest, _ start: (consuming IOHandle) -> IOReference
  ) throws(IOError) -> Int {
    var outcome = IOOutcome.unknown
    withUnsafeMutablePointer(to: &outcome) { slot in
      let handle = acquire()
      handle.returns(to: slot)
      wait(for: start(handle))
    }
    return try request.bytes(outcome)
  }
}
