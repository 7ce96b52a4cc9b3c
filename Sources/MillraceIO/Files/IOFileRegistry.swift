/// Which file an identity belongs to, for views: they must not follow a pointer to a file that may be gone.
final class IOFileRegistry: Sendable {
  struct Entry: Sendable {
    let path: String
    let blockSize: Int
    let firstBlock: UInt64
  }

  static let shared = IOFileRegistry()

  private let entries = Locked<[UInt64: Entry]>([:])

  func add(_ file: IOFile) {
    let entry = Entry(path: file.path, blockSize: file.blockSize, firstBlock: file.firstBlock)
    entries.withLock { $0[file.identity] = entry }
  }

  func remove(_ identity: UInt64) { entries.withLock { $0[identity] = nil } }

  func entry(_ identity: UInt64) -> Entry? { entries.withLock { $0[identity] } }
}
