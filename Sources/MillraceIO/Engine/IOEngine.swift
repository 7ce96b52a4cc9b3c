public import Logging
import Synchronization

/// The I/O engine: a fixed table of handles, one method, statistics. Nothing is allocated after its start on any path
/// that an I/O takes.
///
///     let engine = try IOEngine(IOConfiguration(method: .auto))
///     let backend = try engine.makeBackend("scan")
///     let file = try DescriptorFile.open("data", [.direct])
///     let reference = backend.acquire().start(.readv, file, at: 0, memory: memory.bytes)
///     backend.wait(for: reference)
///
/// What goes on inside can be looked at at any time, at no cost to it: ``snapshot()`` gives an ``IOSnapshot`` for each
/// handle in use, ``backendStatistics()`` the counters.
///
/// The way of one I/O: ``IOBackend/acquire()`` → `start` → stage callbacks → ``IOBackend/submit(willWait:)`` → the
/// method → completions on whichever thread reaps → waiters wake → the owner reclaims the handle.
public final class IOEngine: @unchecked Sendable {
  // Safe because what is not immutable is atomic, guarded by a lock, or governed by the handles' words.

  public let configuration: IOConfiguration
  /// The method that runs, after `auto` has decided.
  public var methodKind: IOMethodKind { method.kind }

  let table: HandleTable
  package let method: IOMethod
  let latencies = LatencyRecorder()
  let completions = CompletionTable()
  let waiters = TaskWaiters()
  /// Test hook; nil in production.
  let injection: IOInjection?
  private let backendSlots: UnsafeMutablePointer<BackendSlot>
  private let countersByPriority: UnsafeMutablePointer<PriorityCounters>
  private let backends: UnsafeMutablePointer<Unmanaged<IOBackend>?>
  private let registry: Locked<BackendRegistry>

  struct BackendRegistry {
    /// Name and kernel thread of each place in use.
    var names: [String?]
    /// The counters of each place in use, and who has it.
    var uses: [(counters: IOUseCounters, kind: IOBackendKind)?]
    /// Of backends that have gone.
    var pastUses = IOUseSums()
  }

  /// Builds and starts an engine.
  /// - Throws: ``IOError``: a value out of range, or a method that cannot run here, with the cause and what cures it.
  public convenience init(_ configuration: IOConfiguration = IOConfiguration()) throws(IOError) {
    try configuration.validate()
    try self.init(configuration, method: MethodSelection.make(configuration))
  }

  /// Builds an engine on a given method: the simulation's, or one under test.
  package init(
    _ configuration: IOConfiguration, method: IOMethod, injection: IOInjection? = nil
  ) throws(IOError) {
    try configuration.validate()
    self.configuration = configuration
    self.method = method
    self.injection = injection
    table = HandleTable(
      backends: configuration.backendsMax, handlesPerBackend: configuration.handlesPerBackend,
      vectorsPerHandle: configuration.vectorsPerHandle)
    backendSlots = .allocate(capacity: configuration.backendsMax)
    backends = .allocate(capacity: configuration.backendsMax)
    backends.initialize(repeating: nil, count: configuration.backendsMax)
    for index in 0..<configuration.backendsMax { (backendSlots + index).initialize(to: BackendSlot()) }
    countersByPriority = .allocate(capacity: configuration.backendsMax * PriorityCounters.stride)
    for index in 0..<configuration.backendsMax * PriorityCounters.stride {
      (countersByPriority + index).initialize(to: PriorityCounters())
    }
    let count = configuration.backendsMax
    registry = Locked(
      BackendRegistry(names: Array(repeating: nil, count: count), uses: Array(repeating: nil, count: count)))
    try method.start(self)
  }

  deinit {
    method.stop()
    completions.deallocate()
    latencies.deallocate()
    backendSlots.deinitialize(count: configuration.backendsMax)
    backendSlots.deallocate()
    backends.deallocate()
    countersByPriority.deinitialize(count: configuration.backendsMax * PriorityCounters.stride)
    countersByPriority.deallocate()
    table.deallocate()
  }

  public var logger: Logger { configuration.logger }

  // MARK: Backends

  /// Makes what one thread needs to issue I/O.
  /// - Parameters:
  ///   - name: for views and logs.
  ///   - exclusive: its thread alone reaps its I/O, at the lowest cost. See ``IOBackend``.
  ///   - priority: whose I/O it is.
  ///   - kind: whose thread it is, for views.
  /// - Throws: ``IOError`` `.tooManyBackends`.
  public func makeBackend(
    _ name: String, exclusive: Bool = false, priority: IOPriority = .query, kind: IOBackendKind = .client
  ) throws(IOError) -> IOBackend {
    let place = registry.withLock { registry -> Int? in
      guard let free = registry.names.firstIndex(of: nil) else { return nil }
      registry.names[free] = name
      return free
    }
    guard let place else {
      throw IOError(
        .tooManyBackends,
        message: "all \(configuration.backendsMax) places for backends are taken; raise backendsMax or close one")
    }
    do throws(IOError) {
      try method.attach(owner: UInt32(place), exclusive: exclusive)
    } catch {
      registry.withLock { $0.names[place] = nil }
      throw error
    }
    let backend = IOBackend(
      self, index: UInt32(place), name: name, isExclusive: method.isExclusive(owner: UInt32(place)),
      priority: priority, kind: kind)
    registry.withLock { $0.uses[place] = (backend.uses, kind) }
    backends[place] = Unmanaged.passUnretained(backend)
    return backend
  }

  /// Called by a backend that has no I/O outstanding.
  func detach(_ backend: IOBackend) {
    method.detach(owner: backend.index)
    backends[Int(backend.index)] = nil
    registry.withLock { registry in
      registry.names[Int(backend.index)] = nil
      registry.uses[Int(backend.index)] = nil
      registry.pastUses.add(backend.uses, of: backend.kind)
    }
  }

  /// Sums of what all backends have counted. While it looks, none goes.
  func useSums() -> IOUseSums {
    registry.withLock { registry in
      var sums = registry.pastUses
      for case let (counters, kind)? in registry.uses { sums.add(counters, of: kind) }
      return sums
    }
  }

  @inline(__always) func backendSlot(_ index: UInt32) -> UnsafeMutablePointer<BackendSlot> {
    backendSlots + Int(index)
  }

  /// The counters of a class in a place.
  @inline(__always) func priorityCounters(
    _ index: UInt32, _ priority: IOPriority
  ) -> UnsafeMutablePointer<PriorityCounters> {
    countersByPriority + Int(index) * PriorityCounters.stride + Int(priority.rawValue)
  }

  /// Calls `body` with a backend that is in use, without retaining it. Only for its own thread.
  @inline(__always) func withBackend(_ index: UInt32, _ body: (IOBackend) -> Void) {
    guard let backend = backends[Int(index)] else { invariantFailure("I/O of a backend that is gone was completed") }
    backend._withUnsafeGuaranteedRef(body)
  }

  /// The places in use: whose they are.
  func places() -> [(index: Int, name: String, kind: IOBackendKind)] {
    registry.withLock { registry in
      registry.names.indices.compactMap { index in
        guard let name = registry.names[index], let kind = registry.uses[index]?.kind else { return nil }
        return (index: index, name: name, kind: kind)
      }
    }
  }

  /// The backends in use: number and name.
  func backendNames() -> [(index: UInt32, name: String)] {
    registry.withLock { registry in
      registry.names.enumerated().compactMap { place, name in name.map { (UInt32(place), $0) } }
    }
  }

  // MARK: Set-up

  /// Makes a completion known; handles name it by the number that is returned, the same for the same object. Before the
  /// first I/O that uses it. At most 31; what differs from I/O to I/O belongs into a handle's context.
  public func register(_ completion: IOCompletion) -> IOCompletionID {
    registry.withLock { _ in completions.add(completion) }
  }

  /// Tells the method of memory that much I/O goes through, so that the kernel maps it once. Before the backends that
  /// use it are made. The engine keeps it. A hint: where it cannot be used, nothing changes but the cost.
  public func register(_ memory: IOMemory) { method.register(memory) }

  /// Closes a file: first submits and completes the I/Os that use it, and only those.
  ///
  /// Nobody may start I/O on the file any more. The files of other I/O in flight are not touched.
  /// - Parameter backend: the calling thread's, if it has one. Needed where that is exclusive and may have I/O on the
  ///   file, which nobody else can complete.
  public func close(_ file: IOFile, by backend: IOBackend? = nil) {
    settle(file, reaper: backend?.index)
    method.willClose(file)
    file.close()
  }

  /// Submits and completes the I/Os that use a file, and only those.
  /// - Parameter backend: the calling thread's; see ``close(_:by:)``.
  package func settle(_ file: IOFile, by backend: IOBackend?) { settle(file, reaper: backend?.index) }

  /// The same where no thread's backend is at hand, because the file's last user lets go of it. I/O of an exclusive
  /// backend that is still to be reaped must not be left on the file: its thread may be this one, which would wait for
  /// itself.
  package func settleUnused(_ file: IOFile) { settle(file, reaper: nil, mayWaitForOwner: false) }

  private func settle(_ file: IOFile, reaper: UInt32?, mayWaitForOwner: Bool = true) {
    while file.isInUse {
      for index in 0..<UInt32(table.count) {
        let word = table.word(index)
        guard word.state.rawValue >= IOHandleState.defined.rawValue,
          word.state.rawValue < IOHandleState.completedShared.rawValue,
          table[index].pointee.fileIdentity.relaxed == file.identity
        else { continue }
        requireUse(
          mayWaitForOwner || !word.has(HandleWord.bound) || word.state.rawValue > IOHandleState.submitted.rawValue
            || word.has(HandleWord.inPlace)
            || !IOReference(index: index, generation: word.generation).matches(
              table.word(index)),
          "a file was let go with I/O of an exclusive backend in flight; its thread must wait for its I/O first")
        wait(for: IOReference(index: index, generation: word.generation), reaper: reaper)
      }
    }
  }

  /// Tells the method that an unused file is about to be closed.
  package func willClose(_ file: IOFile) { method.willClose(file) }
}

/// A hook into completion for tests: replaces raw results, or holds a completion up.
package class IOInjection: @unchecked Sendable {
  // Safe because subclasses promise that it may be called on any thread.
  package init() {}

  /// Called with the raw result of each attempt before anything is made of it.
  /// - Returns: what the engine shall take for it: bytes or -errno.
  package func result(_ raw: Int64, of io: borrowing CompletionContext, path: String) -> Int64 { raw }
}
