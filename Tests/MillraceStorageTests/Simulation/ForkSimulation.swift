import Glibc
import MillraceSimulation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// One run of relations that are made, grow, are written, cut off, removed and made durable on a disk of faults, until
/// the power fails; then what has to be there is looked for. All of it follows from a seed.
struct ForkSimulation {
  /// What is known of one relation.
  private struct Relation {
    let locator: RelationLocator
    let fork: StoredFork
    var isLive = true
    /// The first byte of each block.
    var blocks: [UInt8] = []
    /// The same, as it was when it was last made durable.
    var durable: [UInt8]?
    /// What has been written to blocks since.
    var written: [Int: Set<UInt8>] = [:]
    /// Whether it has been cut off or removed since; then it may be shorter than it was.
    var isCut = false

    mutating func noteDurable() { (durable, written, isCut) = (blocks, [:], false) }
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let seed: UInt64
  /// A bug: some writes are not remembered.
  let forgetsWrites: Bool
  private var random: SimulationRandom
  private let rig: WriteRig
  private let backend: IOBackend
  private var relations: [Relation] = []
  private(set) var checkpoints = 0
  private(set) var fullDisks = 0

  init(seed: UInt64, forgetsWrites: Bool = false) throws {
    (self.seed, self.forgetsWrites, random) = (seed, forgetsWrites, SimulationRandom(seed: seed))
    var faults = FaultModel()
    faults.losesUnsyncedWrites = true
    faults.tearsUnsyncedWrites = random.oneIn(2)
    faults.losesUnsyncedNames = true
    faults.shortTransfers = random.element(of: [0, 3, 20])
    faults.tryAgain = random.element(of: [0, 3, 20])
    faults.syncErrors = random.element(of: [0, 0, 20])
    faults.isBounded = random.oneIn(3)
    let disk = SimulatedDisk(seed: random.next(), capacity: 70 * PageLayout.blockSize)
    let setup = WriteSetup(
      direct: random.oneIn(2), extendMethod: random.oneIn(2) ? .allocate : .writeZeros)
    rig = try WriteRig(setup, seed: seed, disk: disk)
    for path in ["data", "data/base", "data/base/5"] { try disk.makeDirectory(path) }
    for path in ["", "data", "data/base"] { try disk.syncDirectory(path) }
    disk.requiresDirectories = true
    disk.faults = faults
    backend = try rig.backend()
  }

  private func fail(_ text: String) -> Failure { Failure(description: "seed \(seed): \(text)") }

  /// Runs until the power fails, and looks. - Throws: ``Failure``.
  mutating func run() throws {
    for _ in 0..<random.number(in: 10...80) {
      do {
        try step()
      } catch let error as StorageError {
        // After a failed sync nothing counts any more.
        guard case .syncFailed = error.code, rig.storage.syncRequests.failure != nil else { throw error }
        break
      }
    }
    rig.disk?.crash()
    rig.disk?.faults = .none
    try check()
  }

  private mutating func step() throws {
    let live = relations.indices.filter { relations[$0].isLive }
    guard !live.isEmpty, !random.oneIn(10) else { return try make() }
    let index = random.element(of: live)
    switch random.below(20) {
    case 0..<9: try write(index)
    case 9..<14: try extend(index)
    case 14..<16: try cut(index)
    case 16: remove(index)
    case 17:
      try relations[index].fork.sync(backend)
      relations[index].noteDurable()
    default: try checkpoint()
    }
  }

  private mutating func make() throws {
    let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: OID(relations.count + 1))
    relations.append(Relation(locator: locator, fork: try rig.storage.create(locator)))
  }

  private mutating func write(_ index: Int) throws {
    guard !relations[index].blocks.isEmpty else { return }
    let block = random.below(relations[index].blocks.count)
    let byte = UInt8(random.number(in: 1...255))
    do throws(IOError) {
      try rig.write(
        relations[index].fork, UInt32(block), byte, backend, withoutSync: forgetsWrites && random.oneIn(4))
      relations[index].blocks[block] = byte
    } catch {
      // Only space that was reserved by nobody can be missing: a hole under a range that came first.
      guard error.errno == ENOSPC else { throw error }
      fullDisks += 1
    }
    relations[index].written[block, default: []].insert(byte)
  }

  private mutating func extend(_ index: Int) throws {
    let before = relations[index].blocks.count
    do throws(IOError) {
      let first = try relations[index].fork.extend(by: UInt32(random.number(in: 1...12)), backend).lowerBound
      #expect(first == before, "seed \(seed)")
    } catch {
      guard error.errno == ENOSPC else { throw error }
      fullDisks += 1
    }
    let count = Int(try relations[index].fork.blockCount())
    guard count >= before else { throw fail("a fork of \(before) blocks has \(count)") }
    relations[index].blocks += [UInt8](repeating: 0, count: count - before)
    for block in before..<count { relations[index].written[block, default: []].insert(0) }
  }

  private mutating func cut(_ index: Int) throws {
    let count = random.below(relations[index].blocks.count + 1)
    try relations[index].fork.truncate(to: UInt32(count))
    relations[index].blocks.removeLast(relations[index].blocks.count - count)
    relations[index].isCut = true
  }

  private mutating func remove(_ index: Int) {
    rig.storage.unlink(relations[index].locator)
    relations[index].isLive = false
    relations[index].isCut = true
  }

  private mutating func checkpoint() throws {
    rig.storage.syncRequests.beginCheckpoint()
    _ = try rig.storage.syncRequests.syncAll(backend)
    for index in relations.indices where relations[index].isLive { relations[index].noteDurable() }
    rig.storage.syncRequests.endCheckpoint()
    checkpoints += 1
  }

  // MARK: After the crash

  private func check() throws {
    let next = try WriteRig(rig.setup, seed: seed, disk: rig.disk)
    // A removed one may be there again: only the log would tell that it was removed.
    for relation in relations where relation.isLive && !relation.isCut {
      guard let durable = relation.durable else { continue }
      let fork = next.storage.open(relation.locator)
      let count = Int(try fork.blockCount())
      guard count >= durable.count else {
        throw fail("relation \(relation.locator.relNumber) had \(durable.count) durable blocks and has \(count)")
      }
      for (block, byte) in durable.enumerated() {
        let found = try first(of: block, in: fork, next)
        guard found == byte || relation.written[block]?.contains(found) ?? false else {
          throw fail("block \(block) of relation \(relation.locator.relNumber) has \(found) instead of \(byte)")
        }
      }
    }
  }

  private func first(of block: Int, in fork: StoredFork, _ rig: WriteRig) throws -> UInt8 {
    let name = "\(fork.locator.relNumber)" + (block < 4 ? "" : ".\(block / 4)")
    return try rig.firstBytes(name)[block % 4]
  }
}

@Suite struct ForkSimulationTests {
  @Test(arguments: 0..<4)
  func whatWasMadeDurableSurvives(part: Int) throws {
    var (checkpoints, fullDisks) = (0, 0)
    for seed in UInt64(part) * 250..<UInt64(part + 1) * 250 {
      var simulation = try ForkSimulation(seed: seed)
      try simulation.run()
      checkpoints += simulation.checkpoints
      fullDisks += simulation.fullDisks
    }
    #expect(checkpoints > 250)
    #expect(fullDisks > 5)
  }

  @Test func aWriteThatIsForgottenIsFoundWithinAHundredSeeds() throws {
    let found = try (UInt64(0)..<100).first { seed in
      var simulation = try ForkSimulation(seed: seed, forgetsWrites: true)
      do { try simulation.run() } catch is ForkSimulation.Failure { return true }
      return false
    }
    #expect(found != nil)
  }
}
