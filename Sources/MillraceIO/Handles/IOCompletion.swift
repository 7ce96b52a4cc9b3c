/// Which ``IOCompletion`` an engine knows by which number. 0 is the engine's own.
public struct IOCompletionID: Hashable, Sendable {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
  public static let engine = IOCompletionID(rawValue: 0)
}

/// One layer's part in the completion of an I/O: file, then buffer, then caller. Lower layers register later and run
/// first.
///
/// A completion runs on whichever thread reaps. It must not throw, allocate, block or start I/O, and it cannot wait for
/// I/O, because its context offers no way to: the recursion that PostgreSQL's project fights with cannot be written
/// down.
open class IOCompletion: @unchecked Sendable {
  // Safe because subclasses promise that these functions may run on any thread.

  public init() {}

  /// Runs on the issuer just before the I/O is staged: the place to take what the I/O itself must hold (pins).
  open func stage(_ io: borrowing CompletionContext) {}

  /// Runs on whichever thread reaps. Touches only what every thread may touch.
  /// - Parameter outcome: what the layer below made of it; bytes or an errno at first.
  /// - Returns: what this layer makes of it.
  open func complete(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome { outcome }

  /// Runs on the owner, when it takes the handle back: the place for what only the owner may touch.
  open func completeLocal(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome { outcome }
}

/// What a completion may know of its I/O. Not copyable, so that it does not outlive the call.
public struct CompletionContext: ~Copyable {
  private let table: HandleTable
  private let index: UInt32
  /// The byte that was registered with this completion.
  public let datum: UInt8
  /// The number this completion was registered under.
  public let id: IOCompletionID

  init(_ table: HandleTable, _ index: UInt32, id: IOCompletionID, datum: UInt8) {
    (self.table, self.index, self.id, self.datum) = (table, index, id, datum)
  }

  /// What others wait with.
  public var reference: IOReference { IOReference(index: index, generation: table.word(index).generation) }

  /// What the issuer gave the completions to work on (``IOHandle/setContext(_:)``).
  public var context: UnsafeRawPointer? { table[index].pointee.context }

  public var operation: IOOperation {
    guard let operation = table[index].pointee.operation else { invariantFailure("an undefined I/O was completed") }
    return operation
  }

  public var flags: IOFlags { table[index].pointee.flags }
  public var offset: Int64 { Int64(bitPattern: table[index].pointee.offset.relaxed) }
  /// Bytes asked for.
  public var length: Int { Int(table[index].pointee.length.relaxed) }

  /// The memory of the I/O. Valid during the call.
  public var vectors: UnsafeBufferPointer<IOVector> {
    UnsafeBufferPointer(start: table.vectors(index), count: table[index].pointee.vectorCount)
  }

  /// The numbers that the issuer attached (``IOHandle/data``). Valid during the call.
  public var data: UnsafeBufferPointer<UInt32> {
    UnsafeBufferPointer(start: table.data(index), count: table[index].pointee.dataCount)
  }

  /// The same numbers, for a completion to leave word in for its own local part.
  package var mutableData: UnsafeMutableBufferPointer<UInt32> {
    UnsafeMutableBufferPointer(start: table.data(index), count: table[index].pointee.dataCount)
  }

  /// Calls `body` with the file of the I/O, without retaining it. For completions alone: the I/O keeps it until then.
  @inline(__always) package func withFile<Result>(_ body: (IOFile) -> Result) -> Result {
    guard let file = table[index].pointee.file else { invariantFailure("an I/O without a file was completed") }
    return file._withUnsafeGuaranteedRef(body)
  }

  /// Path of the file, and the number of the block at its start, for messages; nil when the file is gone.
  package var place: (path: String, firstBlock: UInt64)? {
    IOFileRegistry.shared.entry(table[index].pointee.fileIdentity.relaxed).map { ($0.path, $0.firstBlock) }
  }
}

/// The completions of an engine by number, in a fixed table that is written before the first I/O that uses them.
struct CompletionTable: @unchecked Sendable {
  // Safe because entries are written under the engine's lock before their number is handed out, and never change.

  static let countMax = 32
  let entries: UnsafeMutablePointer<Unmanaged<IOCompletion>?>

  init() {
    entries = .allocate(capacity: Self.countMax)
    entries.initialize(repeating: nil, count: Self.countMax)
  }

  func deallocate() {
    for index in 0..<Self.countMax { entries[index]?.release() }
    entries.deallocate()
  }

  /// - Precondition: called under the engine's lock.
  func add(_ completion: IOCompletion) -> IOCompletionID {
    for index in 1..<Self.countMax {
      if let known = entries[index] {
        if known.toOpaque() == Unmanaged.passUnretained(completion).toOpaque() {
          return IOCompletionID(rawValue: UInt8(index))
        }
        continue
      }
      entries[index] = .passRetained(completion)
      return IOCompletionID(rawValue: UInt8(index))
    }
    fatalError("an engine knows at most \(Self.countMax - 1) completions")
  }

  /// Calls `body` with a completion, without retaining it.
  @inline(__always) func with<Result>(_ id: UInt8, _ body: (IOCompletion) -> Result) -> Result {
    guard let entry = entries[Int(id)] else { invariantFailure("an unknown completion was registered on a handle") }
    return entry._withUnsafeGuaranteedRef(body)
  }
}
