#if IOUring && os(Linux)
  import CMillrace
  import Glibc
  import Logging
  import Synchronization

  /// `io_method=io_uring`.
  ///
  /// Backends share rings, as many as there are cores. Submitting takes a short lock to fill entries in; the system
  /// call runs outside of it. Any thread that waits may reap: one at a time has a ring's *reaping role*, which it keeps
  /// while it sleeps in the kernel; the others sleep on their own I/O's word, which the reaper's completions wake. A
  /// reaper that is done gives the role up and, where others sleep, makes one of them look again.
  ///
  /// So that any thread can complete any I/O, shared rings use no flag that ties completion to a thread. An exclusive
  /// backend has a ring of its own that does, and takes no lock at all.
  final class MethodUring: IOMethod, @unchecked Sendable {
    // Safe because each ring's submission side is locked, its completion side belongs to the thread that has the role,
    // and the tables of rings are written before they are used.

    private let sharedCount: Int
    private let shared: UnsafeMutablePointer<Unmanaged<RingPlace>>
    /// How many of `shared` there are; less than `sharedCount` where the start failed.
    private var madeCount = 0
    /// Each owner's ring.
    private let assigned: UnsafeMutablePointer<Unmanaged<RingPlace>?>
    /// Memory that new rings are told of.
    private let registered = Locked(RegisteredMemory())
    private let cachedReads: CachedReads
    /// A scan of cached pages submits one read at a time, for which a ring only adds work. Batches are cheaper through
    /// the ring even where all is cached.
    override var cachedReadsOfLoneIO: CachedReads? { cachedReads }

    override var kind: IOMethodKind { .ioUring }

    override init(_ configuration: IOConfiguration) {
      sharedCount = configuration.ringsMax > 0 ? configuration.ringsMax : min(max(Self.coreCount, 1), 64)
      shared = .allocate(capacity: sharedCount)
      assigned = .allocate(capacity: configuration.backendsMax)
      assigned.initialize(repeating: nil, count: configuration.backendsMax)
      cachedReads = CachedReads(backendsMax: configuration.backendsMax)
      super.init(configuration)
    }

    private static var coreCount: Int { Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    // MARK: Life

    override func start(_ engine: IOEngine) throws(IOError) {
      try super.start(engine)
      for number in 0..<sharedCount {
        do throws(RingFailure) {
          let ring = try Ring(entries: 256, completionEntries: 4096, ownThread: false)
          (shared + number).initialize(to: .passRetained(RingPlace(ring, number: UInt32(number), owner: nil)))
          madeCount += 1
        } catch {
          throw IOError(.methodUnavailable, message: "io_method=io_uring cannot run: \(Self.cause(of: error.errno))")
        }
      }
    }

    override func stop() {
      for number in 0..<madeCount {
        shared[number].takeUnretainedValue().awaited.stop()
        shared[number].release()
      }
      shared.deallocate()
      assigned.deallocate()
      cachedReads.deallocate()
    }

    override func attach(owner: UInt32, exclusive: Bool) throws(IOError) {
      cachedReads.forget(owner: owner)
      guard exclusive else {
        assigned[Int(owner)] = .passUnretained(shared[Int(owner) % sharedCount].takeUnretainedValue())
        setRing(UInt32(Int(owner) % sharedCount), of: owner)
        return
      }
      do throws(RingFailure) {
        let entries = UInt32(configuration.handlesPerBackend)
        let ring = try Ring(entries: entries, completionEntries: entries * 2, ownThread: true)
        let place = RingPlace(ring, number: UInt32(sharedCount) + owner, owner: owner)
        registered.withLock { $0.register(with: place, logger: configuration.logger) }
        assigned[Int(owner)] = .passRetained(place)
        setRing(place.number, of: owner)
      } catch {
        throw IOError(
          .methodUnavailable, message: "a ring of its own cannot be made for a backend: \(Self.cause(of: error.errno))")
      }
    }

    /// Says in all handles of an owner which ring its I/O goes to: those who wait need it as soon as an I/O is
    /// submitted, also of the members of a merge, which the ring itself knows nothing of.
    private func setRing(_ number: UInt32, of owner: UInt32) {
      let table = engine.table
      let first = owner * UInt32(table.handlesPerBackend)
      for index in first..<first + UInt32(table.handlesPerBackend) { table[index].pointee.ring.relaxed = number }
    }

    override func detach(owner: UInt32) {
      guard let place = assigned[Int(owner)] else { return }
      if place.takeUnretainedValue().owner != nil { place.release() }
      assigned[Int(owner)] = nil
    }

    override func isExclusive(owner: UInt32) -> Bool {
      assigned[Int(owner)]?._withUnsafeGuaranteedRef { $0.owner != nil } ?? false
    }

    override func register(_ memory: IOMemory) {
      registered.withLock { registered in
        let isFirst = registered.isEmpty
        registered.add(memory)
        // A ring takes memory once: shared ones the first there is, which is the buffer pool's, exclusive ones all that
        // is known when they are made.
        guard isFirst, sharedCount > 0 else { return }
        // What a ring will refuse to pin need not be there before it is used. Root has no limit.
        if geteuid() == 0 || RingSurroundings().lockedMemoryMax >= UInt64(memory.byteCount) { memory.populate() }
        for number in 0..<sharedCount {
          registered.register(with: shared[number].takeUnretainedValue(), logger: configuration.logger)
        }
      }
    }

    override func needsInPlaceExecution(_ index: UInt32) -> Bool {
      engine.table[index].pointee.file?._withUnsafeGuaranteedRef { $0.descriptor < 0 } ?? true
    }

    @inline(__always) private func withPlace<Result>(ofOwner owner: UInt32, _ body: (RingPlace) -> Result) -> Result {
      guard let place = assigned[Int(owner)] else { invariantFailure("a backend without a ring did I/O") }
      return place._withUnsafeGuaranteedRef(body)
    }

    /// The place of a handle's I/O, for a thread that may use it: the place of an exclusive backend is its own
    /// thread's, and goes with the backend.
    /// - Returns: what `body` returns; nil where the place is another thread's.
    @inline(__always) private func withPlace<Result>(
      of index: UInt32, reaper: UInt32?, _ body: (RingPlace) -> Result
    ) -> Result? {
      let number = engine.table[index].pointee.ring.relaxed
      if number < UInt32(sharedCount) { return shared[Int(number)]._withUnsafeGuaranteedRef(body) }
      let owner = number - UInt32(sharedCount)
      return owner == reaper ? withPlace(ofOwner: owner, body) : nil
    }

    // MARK: Submitting

    override func submit(
      _ batch: UnsafePointer<UInt32>, count: Int, owner: UInt32, reaper: UInt32?, waitFor: Int
    ) {
      withPlace(ofOwner: owner) { place in
        guard place.owner == nil else { return submitExclusive(batch, count: count, place, waitFor: waitFor) }
        var next = 0
        while next < count {
          let (filled, position) = place.submissionLock.withLock { _ in
            var filled = 0
            while next + filled < count, let entry = place.ring.nextEntry() {
              fill(entry, batch[next + filled], place)
              filled += 1
            }
            return (filled, place.ring.publish())
          }
          next += filled
          push(place, position, reaper: reaper)
        }
      }
    }

    private func submitExclusive(_ batch: UnsafePointer<UInt32>, count: Int, _ place: RingPlace, waitFor: Int) {
      place.enableOnce()
      for position in 0..<count {
        // Room is certain: the ring has an entry for each handle, and all earlier ones have been taken.
        guard let entry = place.ring.nextEntry() else { invariantFailure("a ring of one backend was full") }
        fill(entry, batch[position], place)
      }
      place.inFlight += UInt32(count)
      let position = place.ring.publish()
      let wanted = min(UInt32(waitFor), place.inFlight)
      _ = place.ring.enter(submit: UInt32(count), waitFor: wanted)
      if !place.ring.isTaken(position) { push(place, position, reaper: place.owner) }
    }

    /// Enters the kernel until it has taken all entries before a position; another thread's call may take them too.
    private func push(_ place: RingPlace, _ position: UInt32, reaper: UInt32?) {
      while !place.ring.isTaken(position) {
        let result = place.ring.enter(submit: place.ring.submissionCapacity, waitFor: 0)
        if result >= 0 || result == -Int64(EINTR) { continue }
        invariant(
          result == -Int64(EAGAIN) || result == -Int64(EBUSY) || result == -Int64(ENOMEM),
          "io_uring_enter refused a submission")
        // The kernel is out of something that completions give back.
        if !reapIfFree(place, reaper: reaper) { sched_yield() }
      }
    }

    override func retry(_ index: UInt32, reaper: UInt32?) {
      // By whoever reaped it; the ring is the same.
      let owner = engine.table[index].pointee.owner
      withUnsafePointer(to: index) { submit($0, count: 1, owner: owner, reaper: reaper, waitFor: 0) }
    }

    /// Describes one I/O to the kernel. One piece of memory takes the plain form, which is cheaper than the vectored
    /// one.
    @inline(__always) private func fill(
      _ entry: UnsafeMutablePointer<millrace_ring_sqe>, _ index: UInt32, _ place: RingPlace
    ) {
      let slot = engine.table[index]
      guard let operation = slot.pointee.operation, let file = slot.pointee.file else {
        invariantFailure("an undefined I/O was submitted")
      }
      let io = engine.submission(index)
      var sqe = millrace_ring_sqe()
      sqe.fd = file._withUnsafeGuaranteedRef { $0.descriptor }
      sqe.offset = UInt64(bitPattern: io.offset)
      sqe.user_data = UInt64(index)
      switch operation {
      case .readv, .writev:
        // Only transfers may have one. The kernel's schedulers heed it where I/O is direct.
        if !slot.pointee.priority.isForeground { sqe.ioprio = millrace_ring_priority_low }
        let isRead = operation == .readv
        if io.vectorCount == 1 {
          let piece = io.vectors[0]
          sqe.address = UInt64(UInt(bitPattern: piece.base))
          sqe.length = UInt32(piece.byteCount)
          if let buffer = place.bufferIndex(of: piece) {
            sqe.opcode = UInt8(isRead ? MILLRACE_RING_OP_READ_FIXED : MILLRACE_RING_OP_WRITE_FIXED)
            sqe.buffer_index = buffer
          } else {
            sqe.opcode = UInt8(isRead ? MILLRACE_RING_OP_READ : MILLRACE_RING_OP_WRITE)
          }
        } else {
          sqe.opcode = UInt8(isRead ? MILLRACE_RING_OP_READV : MILLRACE_RING_OP_WRITEV)
          sqe.address = UInt64(UInt(bitPattern: io.vectors))
          sqe.length = UInt32(io.vectorCount)
        }
      case .fsync, .fdatasync:
        sqe.opcode = UInt8(MILLRACE_RING_OP_FSYNC)
        sqe.offset = 0
        sqe.operation_flags = operation == .fdatasync ? millrace_ring_fsync_datasync : 0
      case .flushRange:
        sqe.opcode = UInt8(MILLRACE_RING_OP_SYNC_FILE_RANGE)
        sqe.length = UInt32(clamping: io.length)
        sqe.operation_flags = 2  // SYNC_FILE_RANGE_WRITE
      case .allocate:
        sqe.opcode = UInt8(MILLRACE_RING_OP_FALLOCATE)
        sqe.address = UInt64(io.length)
      }
      // What was told to try again gets a kernel thread that may block; otherwise it might be told so for ever.
      if slot.pointee.fruitless > 0 { sqe.flags = millrace_ring_sqe_async }
      entry.pointee = sqe
    }

    // MARK: Reaping

    override func wait(for index: UInt32, _ reference: IOReference, reaper: UInt32?) {
      let isHere: Void? = withPlace(of: index, reaper: reaper) { place in
        if place.owner != nil {
          if drain(place, reaper: reaper) == 0 { enterToWait(place, for: 1) }
        } else if place.takeRole() {
          reap(place, until: index, reference, reaper: reaper)
          giveUpRole(place)
        } else {
          sleepBesideReaper(place, index, reference, reaper: reaper)
        }
      }
      if isHere == nil { engine.sleep(onSubmitted: reference) }
    }

    /// Sleeps on an I/O while another thread reaps; wakes when it has completed or the role has become free.
    private func sleepBesideReaper(_ place: RingPlace, _ index: UInt32, _ reference: IOReference, reaper: UInt32?) {
      let table = engine.table
      var word = table.word(index)
      guard isSubmitted(word, reference) else { return }
      if word.has(HandleWord.lookAgain) {
        guard table.replace(index, seen: word, with: word.rawValue & ~HandleWord.lookAgain) else { return }
        word = HandleWord(rawValue: word.rawValue & ~HandleWord.lookAgain)
      }
      guard table.set(HandleWord.sleepers, on: index, seen: word) else { return }
      _ = place.sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
      // Counted and marked, look once more: either this sees the role free, or who gives it up sees this sleeper.
      if place.takeRole() {
        _ = place.sleepers.wrappingSubtract(1, ordering: .relaxed)
        reap(place, until: index, reference, reaper: reaper)
        giveUpRole(place)
        return
      }
      Futex.wait(table.wordAddress(index), while: word.rawValue | HandleWord.sleepers)
      _ = place.sleepers.wrappingSubtract(1, ordering: .relaxed)
    }

    @inline(__always) private func isSubmitted(_ word: HandleWord, _ reference: IOReference) -> Bool {
      reference.matches(word) && word.state == .submitted && !word.has(HandleWord.inPlace)
    }

    /// Completes what comes until one I/O has moved on. With the role.
    private func reap(_ place: RingPlace, until index: UInt32, _ reference: IOReference, reaper: UInt32?) {
      while isSubmitted(engine.table.word(index), reference) {
        if drain(place, reaper: reaper) == 0 { enterToWait(place, for: 1) }
      }
    }

    private func enterToWait(_ place: RingPlace, for count: UInt32) {
      let result = place.ring.enter(submit: 0, waitFor: count)
      invariant(
        result >= 0 || result == -Int64(EINTR) || result == -Int64(EAGAIN) || result == -Int64(EBUSY),
        "io_uring_enter refused to wait")
    }

    /// Gives the role up and sees to it that a sleeper takes it.
    private func giveUpRole(_ place: RingPlace) {
      place.role.store(0, ordering: .sequentiallyConsistent)
      guard place.sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
      let table = engine.table
      for index in 0..<UInt32(table.count) {
        while true {
          let word = table.word(index)
          guard word.state == .submitted, word.has(HandleWord.sleepers), !word.has(HandleWord.inPlace),
            table[index].pointee.ring.relaxed == place.number
          else { break }
          // One that has been told and has not looked yet will.
          if word.has(HandleWord.lookAgain) { return }
          if table.set(HandleWord.lookAgain, on: index, seen: word) {
            Futex.wake(table.wordAddress(index))
            return
          }
        }
      }
    }

    /// Completes what is there. With the role, or on the one thread of an exclusive ring.
    /// - Returns: how many; never more than were there at the start, so that nobody serves others for ever.
    @discardableResult
    private func drain(_ place: RingPlace, reaper: UInt32?) -> Int {
      if !place.ring.hasCompletions {
        guard place.ring.hasHeldBack else { return 0 }
        _ = place.ring.enter(submit: 0, waitFor: 0)
      }
      guard place.ring.hasCompletions else { return 0 }
      let now = monotonicNanoseconds()
      var count = 0
      while count < IOBackend.batchMax, let completion = place.ring.nextCompletion() {
        place.inFlight &-= place.owner == nil ? 0 : 1
        engine.complete(UInt32(completion.user_data), Int64(completion.result), at: now, reaper: reaper)
        count += 1
      }
      return count
    }

    /// - Returns: whether anything was completed.
    private func reapIfFree(_ place: RingPlace, reaper: UInt32?) -> Bool {
      if place.owner != nil { return drain(place, reaper: reaper) > 0 }
      guard place.takeRole() else { return false }
      let count = drain(place, reaper: reaper)
      giveUpRole(place)
      return count > 0
    }

    override func poll(owner: UInt32, reaper: UInt32?) {
      _ = withPlace(of: owner * UInt32(engine.table.handlesPerBackend), reaper: reaper) { place in
        guard place.ring.hasCompletions || place.ring.hasHeldBack else { return }
        _ = reapIfFree(place, reaper: reaper)
      }
    }

    override func wait(owner: UInt32, count: Int, seen: UInt64) {
      withPlace(ofOwner: owner) { place in
        if place.owner != nil {
          if drain(place, reaper: owner) == 0 { enterToWait(place, for: min(UInt32(count), max(place.inFlight, 1))) }
          return
        }
        if place.takeRole() {
          if drain(place, reaper: owner) == 0, engine.backendSlot(owner).pointee.completions.relaxed == seen {
            // Another's completions wake this too; they are completed on the way.
            enterToWait(place, for: 1)
            drain(place, reaper: owner)
          }
          giveUpRole(place)
        } else {
          engine.waitForOldest(of: owner)
        }
      }
    }

    override func noteAwaited(_ index: UInt32, _ reference: IOReference) {
      // Nil as the reaper: an exclusive backend's own thread completes its I/O.
      _ = withPlace(of: index, reaper: nil) { place in place.awaited.add(reference, engine) }
    }
  }
#endif
