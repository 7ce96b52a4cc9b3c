/// The right to start one I/O. It is used exactly once: a `start…` function consumes it, and letting go of it gives it
/// back. PostgreSQL checks both at run time; here the compiler does.
///
/// At most one exists per backend, so that ``IOBackend/acquire()`` can always make progress by waiting for I/O in
/// flight.
public struct IOHandle: ~Copyable {
  let index: UInt32
  /// Unretained: a backend outlives its handles, and `discard` needs trivial fields.
  private let backend: Unmanaged<IOBackend>

  init(index: UInt32, backend: IOBackend) {
    self.index = index
    self.backend = Unmanaged.passUnretained(backend)
  }

  deinit { backend._withUnsafeGuaranteedRef { $0.release(index) } }

  /// Where the owner's outcome is put when the handle is reclaimed.
  /// - Parameter slot: must stay valid until then, or until ``IOBackend/abandon(_:)``; set to `.unknown` now.
  @inline(__always) public func returns(to slot: UnsafeMutablePointer<IOOutcome>) {
    slot.initialize(to: .unknown)
    backend._withUnsafeGuaranteedRef { $0.table[index].pointee.returning = slot }
  }

  /// Adds a completion. The one added last runs first. At most four.
  @inline(__always) public func add(_ completion: IOCompletionID, datum: UInt8 = 0) {
    backend._withUnsafeGuaranteedRef { $0.addCompletion(completion, datum: datum, to: index) }
  }

  /// Gives the completions something to work on (``CompletionContext/context``).
  /// - Parameter context: must stay valid until the handle is reclaimed.
  @inline(__always) public func setContext(_ context: UnsafeRawPointer) {
    backend._withUnsafeGuaranteedRef { $0.table[index].pointee.context = context }
  }

  /// Puts the I/O into another class than its backend's: WAL that a query's thread writes is WAL.
  @inline(__always) public func setPriority(_ priority: IOPriority) {
    backend._withUnsafeGuaranteedRef { $0.table[index].pointee.wantedPriority = priority }
  }

  /// Says what the I/O is for, for `pg_stat_io` and its wait events.
  @inline(__always) public func setUse(_ use: IOUse) {
    backend._withUnsafeGuaranteedRef { $0.table[index].pointee.use = use }
  }

  /// Room for the numbers that completions need, such as buffer ids: ``IOConfiguration/vectorsPerHandle`` of them.
  @inline(__always) public var data: UnsafeMutablePointer<UInt32> {
    backend._withUnsafeGuaranteedRef { $0.table.data(index) }
  }

  /// Room to describe the memory of the I/O: ``IOConfiguration/vectorsPerHandle`` pieces.
  @inline(__always) public var vectors: UnsafeMutablePointer<IOVector> {
    backend._withUnsafeGuaranteedRef { $0.table.vectors(index) }
  }

  /// Starts a transfer between a file and the memory described in ``vectors``.
  ///
  /// Outside a batch it is submitted at once and may have been completed, its completions run on another thread, before
  /// this returns; inside one it waits for the batch. A short transfer is continued, and a failed one reported, by the
  /// engine.
  ///
  /// - Parameters:
  ///   - operation: `.readv` or `.writev`.
  ///   - file: stays open until the I/O is completed; ``IOEngine/close(_:)`` sees to that.
  ///   - offset: bytes.
  ///   - vectorCount: how many of ``vectors`` are used; neighbours in memory should be one.
  ///   - dataCount: how many of ``data`` are used.
  /// - Returns: The only way to ask for or wait for this I/O; stays good after the handle is used again.
  /// - Complexity: O(1), no allocation.
  @inline(__always) public consuming func start(
    _ operation: IOOperation, _ file: IOFile, at offset: Int64, vectorCount: Int, dataCount: Int = 0,
    flags: IOFlags = []
  ) -> IOReference {
    let (index, backend) = (index, backend)
    discard self
    return backend._withUnsafeGuaranteedRef { backend in
      var length = 0
      let vectors = backend.table.vectors(index)
      for position in 0..<vectorCount { length += vectors[position].byteCount }
      invariant(operation.transfersData && vectorCount > 0, "a transfer was started without memory")
      invariant(length <= Int(Int32.max), "an I/O of more than 2 GiB was started")
      return backend.define(
        index, operation, file, offset: offset, length: length, vectorCount: vectorCount, dataCount: dataCount,
        flags: flags)
    }
  }

  /// Starts a transfer between a file and one piece of memory.
  /// - Parameter memory: must stay valid until the I/O is completed; aligned as ``IOFile/alignment`` says.
  public consuming func start(
    _ operation: IOOperation, _ file: IOFile, at offset: Int64, memory: UnsafeMutableRawBufferPointer,
    flags: IOFlags = []
  ) -> IOReference {
    vectors[0] = IOVector(base: memory.baseAddress, byteCount: memory.count)
    return start(operation, file, at: offset, vectorCount: 1, flags: flags)
  }

  /// Starts an operation that moves no data: fsync, fdatasync, flushRange, allocate.
  /// - Parameters:
  ///   - offset: bytes; without meaning for the syncs.
  ///   - length: bytes; without meaning for the syncs.
  public consuming func start(
    _ operation: IOOperation, _ file: IOFile, at offset: Int64 = 0, length: Int64 = 0, flags: IOFlags = []
  ) -> IOReference {
    invariant(!operation.transfersData, "a transfer was started without memory")
    let (index, backend) = (index, backend)
    discard self
    return backend._withUnsafeGuaranteedRef {
      $0.define(
        index, operation, file, offset: offset, length: Int(length), vectorCount: 0, dataCount: 0, flags: flags)
    }
  }

  /// Starts an operation on a file that somebody else keeps alive, without counting a reference to it.
  /// - Parameters:
  ///   - offset: bytes; without meaning for the syncs.
  ///   - vectorCount: how many of ``vectors`` are used; 0 for operations that move no data.
  @inline(__always) package consuming func start(
    _ operation: IOOperation, unretained file: Unmanaged<IOFile>, at offset: Int64 = 0, vectorCount: Int = 0,
    flags: IOFlags = []
  ) -> IOReference {
    invariant(operation.transfersData == (vectorCount > 0), "an I/O was started with memory that it does not move")
    let (index, backend) = (index, backend)
    discard self
    return backend._withUnsafeGuaranteedRef { backend in
      file._withUnsafeGuaranteedRef { file in
        var length = 0
        let vectors = backend.table.vectors(index)
        for position in 0..<vectorCount { length += vectors[position].byteCount }
        return backend.define(
          index, operation, file, offset: offset, length: length, vectorCount: vectorCount, dataCount: 0, flags: flags)
      }
    }
  }
}
