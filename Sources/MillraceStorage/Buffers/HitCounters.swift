import MillraceIO
import Synchronization

/// Where one reader counts the pages of one fork that were there: three addresses, looked up once, so that a page costs
/// no reference count. What they point to belongs to the fork and the backend, which the reader keeps.
struct HitCounters {
  private let ofFork, ofUse: UnsafeMutablePointer<Atomic<UInt64>>
  private let ofThread: UnsafeMutablePointer<PageUsage>

  init(_ pool: BufferPool, _ fork: StoredFork, _ strategy: BufferStrategy?, _ backend: IOBackend) {
    ofFork = fork.usage.hitWord(backend)
    ofUse = backend.uses.word(strategy?.use ?? pool.use, .hits)
    ofThread = pool.usage(of: backend)
  }

  @inline(__always) func count() {
    ofFork.pointee.sharedAdd(1)
    ofUse.pointee.ownerAdd(1)
    ofThread.pointee.hits &+= 1
  }
}
