import MillraceIO
import MillraceSimulation

/// A file of a model run: the simulated one, and what it must hold.
struct ModelFile {
  let path: String
  let isDirect: Bool
  var file: SimulatedFile
  /// The byte oracle.
  var bytes: [UInt8]

  /// What offsets and lengths are multiples of.
  var unit: Int { file.alignment.offset }
}

/// One I/O of a model run, from its start until its result has been checked.
struct ModelIO {
  let number: Int
  let backend: Int
  let file: Int
  let operation: IOOperation
  /// Bytes of the file.
  let range: Range<Int>
  /// Where its memory begins.
  let memory: Int
  /// The pieces of its memory, as (start, length) from there.
  let pieces: [(start: Int, length: Int)]
  /// Which completions it was given, by number of the run's.
  let layers: [Int]
  /// What a write brings.
  let payload: [UInt8]
  var reference: IOReference
  var isAbandoned = false

  var isWrite: Bool { operation == .writev }
  var isTransfer: Bool { operation.transfersData }
}

/// A backend of a model run.
final class ModelBackend {
  let backend: IOBackend
  /// Started and not checked.
  var started = 0
  private var batch: IOBatch?

  init(_ backend: IOBackend) { self.backend = backend }

  func openBatch() {
    if batch == nil { batch = backend.batch() }
  }

  func submitBatch() {
    if let open = batch.take() { open.submit() }
  }
}
