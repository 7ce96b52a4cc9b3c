import Glibc
import Testing

@testable import MillraceIO

@Suite("posix_aio's own")
struct PosixAIOTests {
  @Test("who has looked at one round of requests cannot take the next")
  func tellsRoundsApart() {
    let idle = PendingRequests(rawValue: 0)
    #expect(idle.count == 0)
    let first = idle.next(count: 3)
    #expect(first.count == 3)
    #expect(first.taken.count == 0)
    let second = first.taken.next(count: 3)
    #expect(second.count == 3)
    #expect(second.rawValue != first.rawValue)
    #expect(PendingRequests(rawValue: .max).taken.next(count: 65535).count == 65535, "past the last round")
  }

  @Test(
    "requests on one file are spread over duplicates of its descriptor, which go with it",
    .enabled(if: MethodsHere.obstacle(to: .posixAIO) == nil))
  func spreadsOverDescriptors() throws {
    let bench = try TestBench(TestSetup(kind: .posixAIO, isDirect: true)) { $0.posixAIODescriptors = 5 }
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 64 * 8192)
    let memory = try IOMemory(byteCount: 32 * 8192)
    var own = stat()
    fstat(file.descriptor, &own)
    // The process may have many open that are other tests'.
    func openCount() -> Int {
      (Int32(0)..<1 << 16).count { descriptor in
        var other = stat()
        return fstat(descriptor, &other) == 0 && other.st_ino == own.st_ino && other.st_dev == own.st_dev
      }
    }
    #expect(openCount() == 1)
    let batch = backend.batch()
    for place in 0..<31 { _ = backend.start(.readv, file, at: 2 * place * 8192, memory.piece(place * 8192, 8192)) }
    batch.submit()
    backend.reap(atLeast: 31)
    #expect(openCount() == 5)
    bench.engine.close(file)
    #expect(openCount() == 0)
    backend.close()
  }
}
