import Glibc
import Testing

@testable import MillraceIO

@Suite("direct I/O and its alignment")
struct DirectIOTests {
  @Test("the file system says what it demands, and holds to it")
  func asksFileSystem() throws {
    let directory = try DiskDirectory()
    let path = try directory.makeFile(byteCount: 1 << 16)
    let file = try DescriptorFile.open(path, [.direct])
    defer { file.close() }
    #expect(file.isDirect)
    let alignment = file.alignment
    for value in [alignment.memory, alignment.offset] { #expect(value > 0 && value & (value - 1) == 0) }
    #expect([DirectIOAlignment.Source.fileSystem, .fallback].contains(alignment.source))
    let memory = try IOMemory(byteCount: 1 << 16)
    let smallest = IOVector(base: memory.baseAddress + alignment.memory, byteCount: alignment.offset)
    let read = withUnsafePointer(to: smallest) { file.read($0, count: 1, at: Int64(3 * alignment.offset)) }
    #expect(read == Int64(alignment.offset))
    #expect(Pattern().matches(memory.piece(alignment.memory, alignment.offset), from: 3 * alignment.offset))
  }

  @Test("where the file system does not say, 4096 is taken", .enabled(if: access("/dev/shm", W_OK) == 0, "no tmpfs"))
  func fallsBack() throws {
    let path = "/dev/shm/millrace-\(getpid())-fallback"
    // tmpfs takes direct I/O and ignores it, since Linux 6.6 or so; before, it refuses.
    defer { unlink(path) }
    do {
      let file = try DescriptorFile.open(path, [.write, .create, .direct])
      #expect(file.alignment == .fallback)
      file.close()
    } catch {
      #expect(error.code == .directIOUnavailable)
    }
  }

  @Test("a file system that cannot do it is a clear refusal, and no descriptor stays open")
  func refuses() throws {
    for _ in 0..<3 {
      let error = #expect(throws: IOError.self) { try DescriptorFile.open("/proc/version", name: "version", [.direct]) }
      #expect(error?.code == .directIOUnavailable)
      #expect(
        error?.description
          == "direct I/O is not possible on \"version\" because its file system refuses it (Invalid argument);"
          + " use buffered I/O there")
    }
    let buffered = try DescriptorFile.open("/proc/version", [])
    #expect(buffered.alignment == .none)
    buffered.close()
  }

  @Test("memory is aligned for every device, zero, and as large as asked", arguments: [1, 4096, 8191, 3 << 20])
  func alignsMemory(byteCount: Int) throws {
    for hugePages in [IOMemory.HugePages.off, .try] {
      let memory = try IOMemory(byteCount: byteCount, hugePages: hugePages)
      #expect(UInt(bitPattern: memory.baseAddress) % 4096 == 0)
      #expect(memory.bytes.count == byteCount)
      #expect(memory.bytes[0] == 0 && memory.bytes[byteCount - 1] == 0)
      memory.bytes[byteCount - 1] = 1
      if byteCount >= 2 << 20, hugePages == .try { #expect(UInt(bitPattern: memory.baseAddress) % (2 << 20) == 0) }
    }
    let error = #expect(throws: IOError.self) { try IOMemory(byteCount: 0) }
    #expect(error?.code == .invalidConfiguration)
  }
}

@Suite("files by descriptor")
struct DescriptorFileTests {
  @Test("what cannot be opened says why, by the name that messages show")
  func saysWhy() throws {
    let directory = try DiskDirectory()
    for (path, name, text) in [
      (directory.path("none"), "base/1/2", "could not open file \"base/1/2\": No such file or directory"),
      (
        directory.path("none/file"), nil,
        "could not open file \"\(directory.path("none/file"))\": No such file or directory"
      ),
    ] {
      let error = #expect(throws: IOError.self) { try DescriptorFile.open(path, name: name, []) }
      #expect(error?.description == text)
      #expect(error?.errno == ENOENT)
    }
    let path = try directory.makeFile(byteCount: 10)
    let error = #expect(throws: IOError.self) { try DescriptorFile.open(path, [.write, .create, .exclusive]) }
    #expect(error?.errno == EEXIST)
    let directoryError = #expect(throws: IOError.self) { try DescriptorFile.open(directory.path, [.write]) }
    #expect(directoryError?.errno == EISDIR)
  }

  @Test("files are made, emptied, measured, cut and dropped from the cache")
  func changesFiles() throws {
    let directory = try DiskDirectory()
    let file = try DescriptorFile.open(directory.path("new"), [.write, .create, .exclusive])
    #expect(try file.size() == 0)
    try file.truncate(to: 12345)
    #expect(try file.size() == 12345)
    try file.dropCache()
    file.close()
    let emptied = try DescriptorFile.open(directory.path("new"), [.write, .truncate])
    #expect(try emptied.size() == 0)
    emptied.close()
  }

  @Test("a closed file is nobody's, also where the system has given its number to another")
  func staysClosed() throws {
    let directory = try DiskDirectory()
    let file = try DescriptorFile.open(directory.path("closed"), [.write, .create, .exclusive])
    let number = file.descriptor
    file.close()
    // The file of this number is another now, whether other threads open files or not.
    let path = try directory.makeFile(byteCount: 10)
    let opened = open(path, O_RDWR | O_CLOEXEC)
    defer { close(opened) }
    let taken = fcntl(opened, F_DUPFD_CLOEXEC, number)
    defer { close(taken) }
    for error in [
      #expect(throws: IOError.self) { try file.size() }, #expect(throws: IOError.self) { try file.truncate(to: 1) },
      #expect(throws: IOError.self) { try file.dropCache() },
    ] {
      #expect(error?.errno == EBADF)
    }
    #expect(file.sync(dataOnly: false) == -Int64(EBADF))
    file.close()
    #expect(fcntl(taken, F_GETFD) >= 0)
    var status = stat()
    #expect(fstat(opened, &status) == 0 && status.st_size == 10)
  }

  @Test("every file has an identity of its own, also under the same number")
  func hasIdentity() throws {
    let path = try DiskDirectory().makeFile(byteCount: 10)
    var identities: Set<UInt64> = []
    for _ in 0..<10 {
      guard let file = try? DescriptorFile.open("/dev/null", []) else { continue }
      #expect(identities.insert(file.identity).inserted)
      file.close()
    }
    #expect(identities.count == 10)
    _ = path
  }

  @Test("a file is in use until all uses have ended, and closed only when unused")
  func countsUses() throws {
    let file = try DescriptorFile.open("/dev/null", [])
    #expect(!file.isInUse)
    #expect(file.beginUse())
    #expect(file.isInUse)
    #expect(!file.markClosed())
    file.endUse()
    #expect(file.markClosed())
    #expect(!file.markClosed())
    #expect(!file.beginUse())
    #expect(!file.isInUse)
    // Settling a closed file has nothing to do.
    try IOEngine(IOConfiguration(method: .sync)).settle(file, by: nil)
    file.markOpen()
    #expect(file.beginUse())
    file.endUse()
    file.close()
  }
}

@Suite("what errors say")
struct ErrorTextTests {
  private static let block: Int = 8192

  @Test("ranges are in blocks of the whole relation, as PostgreSQL has them")
  func saysBlocks() {
    func request(_ operation: IOOperation, at offset: Int64, _ length: Int, firstBlock: UInt64 = 0) -> IORequest {
      IORequest(operation, path: "base/5/1259", offset: offset, length: length, firstBlock: firstBlock)
    }
    #expect(
      request(.readv, at: 24576, 8192).failure(errno: EIO).description
        == "could not read blocks 3..3 in file \"base/5/1259\": Input/output error")
    #expect(
      request(.writev, at: 8192, 3 * 8192, firstBlock: 131_072).failure(errno: ENOSPC).description
        == "could not write blocks 131073..131075 in file \"base/5/1259\": No space left on device")
    #expect(
      request(.readv, at: 0, 8192).shortTransfer(transferred: 0).description
        == "could not read blocks 0..0 in file \"base/5/1259\": read only 0 of 8192 bytes")
    #expect(
      request(.writev, at: 0, 16384).shortTransfer(transferred: 8192).description
        == "could not write blocks 0..1 in file \"base/5/1259\": wrote only 8192 of 16384 bytes")
    #expect(
      request(.fsync, at: 0, 0).failure(errno: EIO).description
        == "could not fsync file \"base/5/1259\": Input/output error")
    #expect(
      request(.fdatasync, at: 0, 0).failure(errno: EROFS).description
        == "could not fsync file \"base/5/1259\": Read-only file system")
    #expect(
      request(.flushRange, at: 0, 8193).failure(errno: EINVAL).description
        == "could not flush blocks 0..1 in file \"base/5/1259\": Invalid argument")
    #expect(
      request(.allocate, at: 8192, 8192).failure(errno: ENOSPC).description
        == "could not extend blocks 1..1 in file \"base/5/1259\": No space left on device")
    #expect(
      request(.readv, at: -8192, 8192).failure(errno: EINVAL).description
        == "could not read file \"base/5/1259\": Invalid argument", "a range that no file has")
  }

  @Test("a target is one block or several")
  func saysTarget() {
    func target(_ offset: Int64, _ length: Int) -> String {
      IORequest(.readv, path: "f", offset: offset, length: length).target
    }
    #expect(target(8192, 8192) == "block 1 in file \"f\"")
    #expect(target(8192, 8193) == "blocks 1..2 in file \"f\"")
    #expect(target(0, 0) == "file \"f\"")
    #expect(target(-1, 10) == "file \"f\"")
  }

  @Test("bytes are what was transferred, or the error that stands for it")
  func turnsOutcomes() throws {
    let request = IORequest(.readv, path: "f", offset: 0, length: 8192)
    #expect(try request.bytes(IOOutcome(.ok, result: 8192)) == 8192)
    #expect(try request.bytes(IOOutcome(.partial, result: 100)) == 100)
    #expect(try request.bytes(IOOutcome(.warning, result: 5)) == 5)
    let error = #expect(throws: IOError.self) { try request.bytes(IOOutcome(.failed, result: 0, detail: UInt32(EIO))) }
    #expect(error?.code == .systemCall)
  }

  @Test("I/O in places that no file has is an error and not a crash", arguments: TestSetup.plain)
  func survivesWildOffsets(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 8192)
    let memory = try IOMemory(byteCount: 2 * 8192)
    for offset in [Int64.min, -8192, Int64.max - 8191] {
      let outcomes = Outcomes(2)
      let batch = backend.batch()
      for place in 0..<2 {
        let handle = backend.acquire()
        handle.returns(to: outcomes.slots + place)
        _ = handle.start(.readv, file, at: offset, memory: memory.piece(place * 8192, 8192))
      }
      // Looking at them does not mind either.
      #expect(bench.engine.snapshot().allSatisfy { $0.offset == offset })
      batch.submit()
      backend.reap(atLeast: 2)
      #expect((0..<2).allSatisfy { outcomes[$0].status == .failed }, "at \(offset)")
    }
    backend.close()
    bench.engine.close(file)
  }
}
