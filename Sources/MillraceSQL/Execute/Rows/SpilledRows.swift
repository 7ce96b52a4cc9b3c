import MillraceEngine
import MillraceTypes

/// Rows in a temporary file: appended, then read, as often as wanted.
final class SpilledRows {
  let format: RowFormat
  private let file: SpillFile
  private var scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 8)
  private var batch: RowBatch?
  private let arena = Arena(chunkSize: 64 << 10)
  private let runtime: PlanRuntime

  init(_ format: RowFormat, _ runtime: PlanRuntime) throws(SQLError) {
    (self.format, self.runtime) = (format, runtime)
    let session = runtime.session
    file = try engine { () throws(EngineError) in try SpillFile(session, bufferSize: 16 << 10) }
  }

  deinit { scratch.deallocate() }

  var count: Int { file.count }
  var byteCount: Int64 { file.byteCount }

  /// Adds a row of columns.
  /// - Parameter tag: a number that is kept with it.
  func append(_ columns: UnsafePointer<TupleColumn>, row: Int, tag: UInt64 = 0) throws(SQLError) {
    let size = format.size(columns, row: row)
    if size > scratch.count {
      scratch.deallocate()
      scratch = .allocate(byteCount: size * 2, alignment: 8)
    }
    guard let base = scratch.baseAddress else { preconditionFailure("memory for a row has no address") }
    format.write(columns, row: row, to: base)
    try append(UnsafeRawBufferPointer(start: base, count: size), tag: tag)
  }

  func append(_ bytes: UnsafeRawBufferPointer, tag: UInt64 = 0) throws(SQLError) {
    try engine { () throws(EngineError) in try file.append(bytes, tag: tag) }
  }

  /// Goes to the front.
  func rewind() throws(SQLError) { try engine { () throws(EngineError) in try file.rewind() } }

  /// The next row as bytes, valid until the next call; nil at the end.
  func nextRecord() throws(SQLError) -> (bytes: UnsafeRawBufferPointer, tag: UInt64)? {
    try engine { () throws(EngineError) in try file.next() }
  }

  /// The next rows; nil at the end. Valid until the next call.
  func next() throws(SQLError) -> RowBatch? {
    let batch = batch ?? RowBatch(columns: format.count)
    self.batch = batch
    arena.reset()
    var count = 0
    while count < batch.capacity, let (bytes, _) = try nextRecord() {
      let kept = arena.allocate(bytes.count)
      kept.copyMemory(from: bytes)
      guard let base = kept.baseAddress else { preconditionFailure("memory for a row has no address") }
      format.read(UnsafeRawPointer(base), into: batch.columns, row: count)
      count += 1
    }
    guard count > 0 else { return nil }
    batch.setDense(count)
    return batch
  }
}
