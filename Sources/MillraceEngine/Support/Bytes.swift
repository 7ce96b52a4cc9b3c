extension [UInt8] {
  /// Calls `body` with the array's memory: `withUnsafeBytes` for typed errors.
  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeBytes { memory -> Swift.Result<Result, Failure> in
      do throws(Failure) { return .success(try body(memory)) } catch { return .failure(error) }
    }.get()
  }

  /// The same, to write to.
  mutating func withMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeMutableBytes { memory -> Swift.Result<Result, Failure> in
      do throws(Failure) { return .success(try body(memory)) } catch { return .failure(error) }
    }.get()
  }
}
