import Glibc

/// Whole transfers by plain blocking calls of the calling thread, for the few that happen outside an engine: when a
/// cluster is made, opened or closed. No statistics, no handle; the file must not be closed meanwhile.
extension IOFile {
  /// Reads until `memory` is full or the file ends.
  /// - Parameter memory: aligned as ``alignment`` says.
  /// - Returns: bytes read.
  /// - Throws: ``IOError``.
  public final func readWhole(at offset: Int64, _ memory: UnsafeMutableRawBufferPointer) throws(IOError) -> Int {
    try transfer(.readv, at: offset, memory)
  }

  /// Writes all of `memory`.
  /// - Parameter memory: is only read; aligned as ``alignment`` says.
  /// - Throws: ``IOError``.
  public final func writeWhole(at offset: Int64, _ memory: UnsafeRawBufferPointer) throws(IOError) {
    let memory = UnsafeMutableRawBufferPointer(mutating: memory)
    let written = try transfer(.writev, at: offset, memory)
    if written < memory.count {
      throw IORequest(.writev, file: self, offset: offset, length: memory.count).shortTransfer(transferred: written)
    }
  }

  /// Writes all of an array at the start of the file, which must be buffered.
  /// - Throws: ``IOError``.
  public final func writeWhole(_ bytes: [UInt8]) throws(IOError) {
    try bytes.withUnsafeBytes { bytes -> Result<Void, IOError> in
      do throws(IOError) { return .success(try writeWhole(at: 0, bytes)) } catch { return .failure(error) }
    }.get()
  }

  /// Makes the file durable.
  /// - Parameter dataOnly: without the metadata that is not needed to read it back.
  /// - Throws: ``IOError``. What was to be synced may then be lost, and syncing again does not say so.
  public final func syncWhole(dataOnly: Bool = false) throws(IOError) {
    let operation: IOOperation = dataOnly ? .fdatasync : .fsync
    while true {
      let result = sync(dataOnly: dataOnly)
      if result >= 0 { return }
      if isTransient(result) { continue }
      throw IORequest(operation, file: self, offset: 0, length: 0).failure(errno: Int32(-result))
    }
  }

  private func transfer(
    _ operation: IOOperation, at offset: Int64, _ memory: UnsafeMutableRawBufferPointer
  ) throws(IOError) -> Int {
    var done = 0
    while done < memory.count {
      let piece = UnsafeMutableRawBufferPointer(rebasing: memory[done...])
      let result = withUnsafePointer(to: IOVector(base: piece.baseAddress, byteCount: piece.count)) {
        execute(operation, $0, count: 1, at: offset + Int64(done), length: Int64(piece.count))
      }
      if isTransient(result) { continue }
      if result < 0 {
        throw IORequest(operation, file: self, offset: offset, length: memory.count).failure(errno: Int32(-result))
      }
      if result == 0 { break }
      done += Int(result)
    }
    return done
  }

  private func isTransient(_ result: Int64) -> Bool { result == -Int64(EINTR) || result == -Int64(EAGAIN) }
}
