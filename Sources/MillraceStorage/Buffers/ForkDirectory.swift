import MillraceIO
import Synchronization

/// The forks of which a pool may have pages, by identity: to write out a page that has only a tag.
///
/// A hash table with open addressing. Looking up writes nothing and takes no lock; keys lie in the table, so that it
/// touches no fork but the one that is looked for. That one does not go away meanwhile, because one of its pages is
/// pinned, and a fork is taken out after its last page (``BufferPool/drop(_:backend:)``).
final class ForkDirectory: @unchecked Sendable {
  // Safe because tables are published atomically and change under a lock.

  private struct Entry: ~Copyable {
    /// An identity, or one of those that no fork has.
    let key = Atomic<UInt32>(ForkDirectory.unused)
    let fork = Atomic<UnsafeRawPointer?>(nil)
  }

  private struct Table {
    let entries: UnsafeMutablePointer<Entry>
    let mask: UInt32
  }

  private static let unused: UInt32 = 0
  /// Was used; what was put in after it may lie behind.
  private static let removed: UInt32 = .max

  private let current: Atomic<UnsafeMutablePointer<Table>?>
  private let state: Locked<State>

  private struct State {
    /// The current table, and smaller ones that somebody may still be looking at.
    var tables: [UnsafeMutablePointer<Table>]
    var count = 0
  }

  init() {
    let table = Self.makeTable(capacity: 64)
    current = Atomic(table)
    state = Locked(State(tables: [table]))
  }

  deinit {
    state.withLock { state in
      guard let table = state.tables.last else { return }
      for index in 0...Int(table.pointee.mask) { Self.release(table.pointee.entries + index) }
      for table in state.tables {
        table.pointee.entries.deinitialize(count: Int(table.pointee.mask) + 1)
        table.pointee.entries.deallocate()
        table.deallocate()
      }
    }
  }

  private static func makeTable(capacity: Int) -> UnsafeMutablePointer<Table> {
    let entries = UnsafeMutablePointer<Entry>.allocate(capacity: capacity)
    for index in 0..<capacity { (entries + index).initialize(to: Entry()) }
    let table = UnsafeMutablePointer<Table>.allocate(capacity: 1)
    table.initialize(to: Table(entries: entries, mask: UInt32(capacity - 1)))
    return table
  }

  private static func release(_ entry: UnsafeMutablePointer<Entry>) {
    guard let fork = entry.pointee.fork.exchange(nil, ordering: .relaxed) else { return }
    Unmanaged<StoredFork>.fromOpaque(fork).release()
  }

  /// The entry of an identity, if it has one.
  @inline(__always) private func find(_ id: ForkID) -> UnsafeMutablePointer<Entry>? {
    guard let table = current.load(ordering: .acquiring) else { return nil }
    var index = id.rawValue &* 0x9E37_79B1
    for _ in 0...table.pointee.mask {
      let entry = table.pointee.entries + Int(index & table.pointee.mask)
      let key = entry.pointee.key.load(ordering: .acquiring)
      if key == id.rawValue { return entry }
      if key == Self.unused { return nil }
      index &+= 1
    }
    return nil
  }

  /// Calls `body` with the fork of a pinned page, without retaining it.
  @inline(__always) func with<Result, Failure: Error>(
    _ id: ForkID, _ body: (StoredFork) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let entry = find(id), let fork = entry.pointee.fork.load(ordering: .acquiring) else {
      fatalError("invariant broken: a page is of a fork that the pool does not know")
    }
    return try Unmanaged<StoredFork>.fromOpaque(fork)._withUnsafeGuaranteedRef {
      fork -> Swift.Result<Result, Failure> in
      do throws(Failure) { return .success(try body(fork)) } catch { return .failure(error) }
    }.get()
  }

  /// Puts a fork in, before the first of its pages gets a buffer.
  @inline(__always) func add(_ fork: StoredFork) {
    if find(fork.id) == nil { insert(fork) }
  }

  @inline(never) private func insert(_ fork: StoredFork) {
    state.withLock { state in
      if find(fork.id) != nil { return }
      guard var table = state.tables.last else { return }
      if (state.count + 1) * 2 > Int(table.pointee.mask) {
        table = Self.makeTable(capacity: (Int(table.pointee.mask) + 1) * 2)
        if let old = state.tables.last { Self.copy(old, to: table) }
        state.tables.append(table)
        current.store(table, ordering: .releasing)
      }
      Self.put(fork.id.rawValue, Unmanaged.passRetained(fork).toOpaque(), table)
      state.count += 1
    }
  }

  private static func copy(_ old: UnsafeMutablePointer<Table>, to table: UnsafeMutablePointer<Table>) {
    for index in 0...Int(old.pointee.mask) {
      let entry = old.pointee.entries + index
      let key = entry.pointee.key.load(ordering: .relaxed)
      guard key != unused, key != removed, let fork = entry.pointee.fork.load(ordering: .relaxed) else { continue }
      put(key, fork, table)
    }
  }

  private static func put(_ key: UInt32, _ fork: UnsafeRawPointer, _ table: UnsafeMutablePointer<Table>) {
    var index = key &* 0x9E37_79B1
    while true {
      let entry = table.pointee.entries + Int(index & table.pointee.mask)
      let seen = entry.pointee.key.load(ordering: .relaxed)
      if seen == unused || seen == removed {
        entry.pointee.fork.store(fork, ordering: .relaxed)
        entry.pointee.key.store(key, ordering: .releasing)
        return
      }
      index &+= 1
    }
  }

  /// Takes a fork out of which the pool has no pages, and will get none.
  func remove(_ fork: StoredFork) {
    state.withLock { state in
      guard let entry = find(fork.id) else { return }
      entry.pointee.key.store(Self.removed, ordering: .relaxed)
      Self.release(entry)
      state.count -= 1
    }
  }

  /// How many forks it holds. For tests.
  var count: Int { state.withLock { $0.count } }
}
