#if IOUring && os(Linux)
  import CMillrace
  import Glibc
  import Synchronization

  /// One io_uring instance on the raw system calls: the two queues that are shared with the kernel, and nothing more.
  /// Who may call what, and under which lock, is ``MethodUring``'s business.
  final class Ring: @unchecked Sendable {
    // Safe because the pointers never change; the words they point to are atomic or guarded by the caller.

    let descriptor: Int32
    /// Completions are posted only while the one thread that submits is in the kernel asking for them.
    let defersCompletions: Bool
    let submissionCapacity: UInt32

    private let submissionHead: UnsafeMutablePointer<Atomic<UInt32>>
    private let submissionTail: UnsafeMutablePointer<Atomic<UInt32>>
    private let submissionFlags: UnsafeMutablePointer<Atomic<UInt32>>
    private let submissionMask: UInt32
    private let entries: UnsafeMutablePointer<millrace_ring_sqe>
    private let completionHead: UnsafeMutablePointer<Atomic<UInt32>>
    private let completionTail: UnsafeMutablePointer<Atomic<UInt32>>
    private let completionMask: UInt32
    private let completions: UnsafeMutablePointer<millrace_ring_cqe>
    private let mappings: [(address: UnsafeMutableRawPointer, bytes: Int)]
    /// The submission tail as far as entries are filled in; guarded by whoever submits.
    private var tail: UInt32

    /// Sets a ring up.
    /// - Parameters:
    ///   - entries: submissions that fit; rounded up to a power of two.
    ///   - completionEntries: completions that fit before the kernel keeps them for itself.
    ///   - ownThread: only one thread will ever submit and reap; completions wait until it does, which halves the CPU
    ///     per I/O. Falls back to a plain ring on kernels before 6.1.
    /// - Throws: the errno of the call that failed.
    init(entries wanted: UInt32, completionEntries: UInt32, ownThread: Bool) throws(RingFailure) {
      var parameters = millrace_ring_parameters()
      let common = millrace_ring_setup_cqsize | millrace_ring_setup_clamp
      var result: Int64 = -Int64(EINVAL)
      var deferred = false
      if ownThread {
        // Disabled until its thread is known: the kernel binds a ring like this to the thread that enables it.
        parameters.flags =
          common | millrace_ring_setup_single_issuer | millrace_ring_setup_defer_taskrun
          | millrace_ring_setup_taskrun_flag | millrace_ring_setup_r_disabled
        parameters.cq_entries = completionEntries
        result = millrace_ring_setup(wanted, &parameters)
        deferred = result >= 0
      }
      if result == -Int64(EINVAL) {
        parameters = millrace_ring_parameters()
        parameters.flags = common
        parameters.cq_entries = completionEntries
        result = millrace_ring_setup(wanted, &parameters)
      }
      guard result >= 0 else { throw RingFailure(errno: Int32(-result)) }
      descriptor = Int32(result)
      defersCompletions = deferred

      let submissionBytes = Int(parameters.sq.array) + Int(parameters.sq_entries) * 4
      let completionBytes = Int(parameters.cq.cqes) + Int(parameters.cq_entries) * 16
      let isShared = parameters.features & millrace_ring_feature_single_mmap != 0
      let fd = descriptor
      func map(_ bytes: Int, _ offset: Int64) -> UnsafeMutableRawPointer? {
        let address = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | Int32(MAP_POPULATE), fd, off_t(offset))
        return address == MAP_FAILED ? nil : address
      }
      let queueBytes = isShared ? max(submissionBytes, completionBytes) : submissionBytes
      let entryBytes = Int(parameters.sq_entries) * MemoryLayout<millrace_ring_sqe>.stride
      guard let queue = map(queueBytes, millrace_ring_offset_sq) else { throw RingFailure.closing(fd) }
      guard let entryMemory = map(entryBytes, millrace_ring_offset_sqes) else {
        throw RingFailure.closing(fd, unmapping: [(queue, queueBytes)])
      }
      guard let completionQueue = isShared ? queue : map(completionBytes, millrace_ring_offset_cq) else {
        throw RingFailure.closing(fd, unmapping: [(queue, queueBytes), (entryMemory, entryBytes)])
      }
      mappings =
        [(queue, queueBytes), (entryMemory, entryBytes)] + (isShared ? [] : [(completionQueue, completionBytes)])

      func word(_ base: UnsafeMutableRawPointer, _ offset: UInt32) -> UnsafeMutablePointer<Atomic<UInt32>> {
        (base + Int(offset)).assumingMemoryBound(to: Atomic<UInt32>.self)
      }
      submissionHead = word(queue, parameters.sq.head)
      submissionTail = word(queue, parameters.sq.tail)
      submissionFlags = word(queue, parameters.sq.flags)
      submissionMask = parameters.sq_entries - 1
      submissionCapacity = parameters.sq_entries
      entries = entryMemory.assumingMemoryBound(to: millrace_ring_sqe.self)
      completionHead = word(completionQueue, parameters.cq.head)
      completionTail = word(completionQueue, parameters.cq.tail)
      completionMask = parameters.cq_entries - 1
      completions = (completionQueue + Int(parameters.cq.cqes)).assumingMemoryBound(to: millrace_ring_cqe.self)
      tail = submissionTail.pointee.relaxed
      // The indirection array is not used: entry i is slot i, for good.
      let array = (queue + Int(parameters.sq.array)).assumingMemoryBound(to: UInt32.self)
      for index in 0..<parameters.sq_entries { array[Int(index)] = index }
    }

    deinit {
      for mapping in mappings { munmap(mapping.address, mapping.bytes) }
      Glibc.close(descriptor)
    }

    /// Binds a ring that defers completions to the calling thread. Once, before the first submission.
    func enable() -> Int64 {
      guard defersCompletions else { return 0 }
      return millrace_ring_register(descriptor, millrace_ring_register_enable, nil, 0)
    }

    // MARK: Submitting

    /// The next free submission entry; nil when the kernel has not taken the earlier ones yet.
    @inline(__always) func nextEntry() -> UnsafeMutablePointer<millrace_ring_sqe>? {
      guard tail &- submissionHead.pointee.load(ordering: .acquiring) <= submissionMask else { return nil }
      defer { tail &+= 1 }
      return entries + Int(tail & submissionMask)
    }

    /// Shows the kernel what has been filled in.
    /// - Returns: the position behind it, for ``isTaken(_:)``.
    @inline(__always) func publish() -> UInt32 {
      submissionTail.pointee.store(tail, ordering: .releasing)
      return tail
    }

    /// Whether the kernel has taken everything before a position.
    @inline(__always) func isTaken(_ position: UInt32) -> Bool {
      Int32(bitPattern: submissionHead.pointee.load(ordering: .acquiring) &- position) >= 0
    }

    /// Submits up to `count` published entries and waits for `completions` completions.
    /// - Returns: how many were taken, or -errno.
    @inline(__always) func enter(submit count: UInt32, waitFor completions: UInt32) -> Int64 {
      let flags = completions > 0 || count == 0 || defersCompletions ? millrace_ring_enter_getevents : 0
      return millrace_ring_enter(descriptor, count, completions, flags)
    }

    // MARK: Reaping

    /// Whether completions can be had without a system call.
    @inline(__always) var hasCompletions: Bool {
      completionHead.pointee.relaxed != completionTail.pointee.load(ordering: .acquiring)
    }

    /// Whether the kernel holds completions back, for want of room or because they are deferred; entering it brings
    /// them.
    @inline(__always) var hasHeldBack: Bool {
      submissionFlags.pointee.relaxed & (millrace_ring_sq_cq_overflow | millrace_ring_sq_taskrun) != 0
    }

    /// Copies the oldest completion out and gives its place back.
    @inline(__always) func nextCompletion() -> millrace_ring_cqe? {
      let head = completionHead.pointee.relaxed
      guard head != completionTail.pointee.load(ordering: .acquiring) else { return nil }
      // What the submitter wrote before it published the entry is visible now. The kernel orders this in fact; the
      // memory model of the language knows nothing of the kernel.
      _ = submissionTail.pointee.load(ordering: .acquiring)
      let completion = completions[Int(head & completionMask)]
      completionHead.pointee.store(head &+ 1, ordering: .releasing)
      return completion
    }

    /// Lets I/O into `memory` go without mapping it each time.
    /// - Returns: 0 or -errno.
    func register(buffers: UnsafePointer<IOVector>, count: UInt32) -> Int64 {
      millrace_ring_register(descriptor, millrace_ring_register_buffers, buffers, count)
    }
  }

  /// Why a ring could not be set up.
  struct RingFailure: Error {
    let errno: Int32

    /// The failure of a mapping; gives back the ring's descriptor and what was mapped before.
    static func closing(
      _ descriptor: Int32, unmapping mappings: [(address: UnsafeMutableRawPointer, bytes: Int)] = []
    ) -> RingFailure {
      let number = Glibc.errno
      for mapping in mappings { munmap(mapping.address, mapping.bytes) }
      Glibc.close(descriptor)
      return RingFailure(errno: number)
    }
  }
#endif
