#if IOUring && os(Linux)
  import CMillrace
  import Glibc
  import Logging
  import Testing

  @testable import MillraceIO

  @Suite("why io_uring cannot run")
  struct UringObstacleTests {
    static let seccomp =
      "a seccomp filter refuses io_uring, as container engines do by default; allow io_uring_setup, io_uring_enter and"
      + " io_uring_register in its profile (docker run --security-opt seccomp=PROFILE.json)"

    static let causes: [(number: Int32, isFiltered: Bool, disabled: String?, sentence: String)] = [
      (EPERM, false, "2", "kernel.io_uring_disabled is 2; run: sysctl -w kernel.io_uring_disabled=0"),
      (EPERM, true, "1", "kernel.io_uring_disabled is 1; run: sysctl -w kernel.io_uring_disabled=0"),
      (EPERM, true, "0", seccomp),
      (EACCES, true, nil, seccomp),
      (EPERM, false, nil, "the kernel does not permit it to this user; run as a user with CAP_SYS_ADMIN"),
      (ENOSYS, true, nil, seccomp),
      (
        ENOSYS, false, nil, "the kernel has no io_uring; it needs Linux 5.6 or later built with CONFIG_IO_URING"
      ),
      (ENOMEM, false, "0", "locked memory is limited to 65536 bytes; run: ulimit -l unlimited"),
      (EMFILE, false, "0", "the limit of 1024 open files is reached; run: ulimit -n 4096"),
      (ENFILE, true, "0", "the limit of 1024 open files is reached; run: ulimit -n 4096"),
      (EIO, false, "0", "io_uring_setup failed: Input/output error"),
    ]

    @Test("each cause has its own sentence, with what cures it", arguments: causes)
    func saysCause(number: Int32, isFiltered: Bool, disabled: String?, sentence: String) {
      let machine = RingSurroundings(
        isFiltered: isFiltered, disabledSetting: disabled, lockedMemoryMax: 65536, openFilesMax: 1024)
      #expect(MethodUring.cause(of: number, on: machine) == sentence)
    }

    @Test("a filter that refuses it is named; auto steps down with one line in the log, an explicit choice fails")
    func isFiltered() async {
      await #expect(processExitsWith: .success) {
        try ChildProcess.filterRingSetup(answering: EPERM)
        let obstacle = try #require(MethodSelection.obstacle(to: .ioUring))
        // A machine on which it is switched off anyway says that first.
        try #require(obstacle == UringObstacleTests.seccomp || obstacle.hasPrefix("kernel.io_uring_disabled is"))
        let error = #expect(throws: IOError.self) { try IOEngine(IOConfiguration(method: .ioUring)) }
        try #require(error?.description == "io_method=io_uring cannot run: \(obstacle)")
        let log = Shared<[String]>([])
        var configuration = IOConfiguration(method: .auto)
        configuration.logger = Logger(label: "test") { _ in RecordingLogHandler(log: log) }
        try #require(try IOEngine(configuration).methodKind == .worker)
        try #require(log.value == ["io_method=auto uses worker because \(obstacle)"])
      }
    }

    @Test(
      "rings that descriptors do not suffice for are an error, and nothing is left of the first ones",
      .enabled(if: MethodUring.obstacle() == nil))
    func lacksDescriptors() async {
      await #expect(processExitsWith: .success) {
        // One ring can be had, as the question whether there are any finds out; three cannot.
        try ChildProcess.limitDescriptors(2)
        var configuration = IOConfiguration(method: .ioUring)
        configuration.ringsMax = 3
        for _ in 0..<3 {
          let error = #expect(throws: IOError.self) { try IOEngine(configuration) }
          try #require(error?.code == .methodUnavailable)
          try #require(error?.description.contains("open files is reached; run: ulimit -n ") == true)
        }
        configuration.ringsMax = 1
        let engine = try IOEngine(configuration)
        // The last descriptor goes to an exclusive backend's ring, and there is none for a second.
        let backend = try engine.makeBackend("first", exclusive: true)
        let error = #expect(throws: IOError.self) { try engine.makeBackend("second", exclusive: true) }
        try #require(
          error?.description.hasPrefix("a ring of its own cannot be made for a backend: the limit of ") == true)
        backend.close()
        try engine.makeBackend("third", exclusive: true).close()
      }
    }
  }

  @Suite("rings", .enabled(if: MethodUring.obstacle() == nil))
  struct RingTests {
    @Test("a ring takes as many entries as it has, and gives completions back in order", arguments: [false, true])
    func takesEntries(ownThread: Bool) throws {
      let ring = try Ring(entries: 4, completionEntries: 8, ownThread: ownThread)
      #expect(ring.enable() >= 0)
      #expect(ring.submissionCapacity == 4)
      #expect(!ring.hasCompletions)
      #expect(ring.nextCompletion() == nil)
      // Round and round, past the end of the queues.
      for round in 0..<10 {
        for place in 0..<4 {
          let entry = try #require(ring.nextEntry())
          entry.pointee = millrace_ring_sqe()
          entry.pointee.opcode = UInt8(MILLRACE_RING_OP_NOP)
          entry.pointee.user_data = UInt64(round * 4 + place)
        }
        #expect(ring.nextEntry() == nil, "a fifth entry of four")
        let position = ring.publish()
        #expect(!ring.isTaken(position))
        #expect(ring.enter(submit: 4, waitFor: 4) == 4)
        #expect(ring.isTaken(position))
        for place in 0..<4 { #expect(ring.nextCompletion()?.user_data == UInt64(round * 4 + place)) }
        #expect(ring.nextCompletion() == nil)
      }
    }

    @Test("completions that find no room are kept back by the kernel and come when it is entered")
    func overflows() throws {
      let ring = try Ring(entries: 4, completionEntries: 8, ownThread: false)
      for round in 0..<5 {
        for place in 0..<4 {
          let entry = try #require(ring.nextEntry())
          entry.pointee = millrace_ring_sqe()
          entry.pointee.user_data = UInt64(round * 4 + place)
        }
        _ = ring.publish()
        #expect(ring.enter(submit: 4, waitFor: 0) == 4)
      }
      #expect(ring.hasHeldBack)
      var seen: [UInt64] = []
      while seen.count < 20 {
        while let completion = ring.nextCompletion() { seen.append(completion.user_data) }
        if seen.count < 20 { #expect(ring.enter(submit: 0, waitFor: 1) >= 0) }
      }
      #expect(seen == (0..<20).map(UInt64.init))
      #expect(!ring.hasHeldBack)
    }

    @Test("an engine has a ring for each core, or as many as it shall")
    func countsRings() throws {
      let engine = try IOEngine(IOConfiguration(method: .ioUring))
      let cores = min(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 64)
      let backends = try (0..<4).map { try engine.makeBackend("backend \($0)") }
      let rings = (0..<4).map { engine.table[UInt32($0 * 64)].pointee.ring.relaxed }
      #expect(rings == (0..<4).map { UInt32($0 % cores) })
      for backend in backends { backend.close() }
    }

    @Test("memory that is registered is read into by number, also across its end and beyond its start")
    func registersMemory() throws {
      for isExclusive in [false, true] {
        let setup = TestSetup(kind: .ioUring, isExclusive: isExclusive, isDirect: true)
        let bench = try TestBench(setup)
        let file = try bench.makeFile(byteCount: 64 * 8192)
        let pool = try IOMemory(byteCount: 16 * 8192)
        let other = try IOMemory(byteCount: 16 * 8192)
        bench.engine.register(pool)
        // A second one is not for registering; it works all the same.
        bench.engine.register(other)
        let backend = try bench.makeBackend()
        for memory in [pool, other] {
          let batch = backend.batch()
          for place in 0..<16 {
            _ = backend.start(.readv, file, at: 2 * place * 8192, memory.piece(place * 8192, 8192))
          }
          batch.submit()
          backend.reap(atLeast: 16)
          for place in 0..<16 { #expect(Pattern().matches(memory.piece(place * 8192, 8192), from: 2 * place * 8192)) }
        }
        #expect(backend.perform(.writev, file, at: 0, pool.piece(8192, 8192)).status == .ok)
        backend.close()
        bench.engine.close(file)
      }
    }
  }
#endif
