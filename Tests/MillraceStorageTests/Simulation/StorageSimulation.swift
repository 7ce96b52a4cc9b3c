import Glibc
import MillraceIO
import MillraceSimulation

@testable import MillraceStorage

/// One run of floor 2's reading side on a simulated disk: several sessions with streams over one small pool, on one
/// thread, every step drawn from a seed. Reads are delayed, reordered, cut short, told to try again, and fail at
/// sectors that have gone bad; some pages are damaged. It checks
///
/// - that every page given out is the one of its block, in the order of the source;
/// - that every block is given out or named by an error, and every error has its cause on the disk, in its range;
/// - that, with the faults switched off, everything comes, and nothing is held in the end.
final class StorageSimulation {
  /// What broke, with what it takes to see it again.
  struct Failure: Error, CustomStringConvertible {
    let seed: UInt64
    let what: String
    var description: String { "seed \(seed): \(what)" }
  }

  /// What has been met, summed up over runs, to show that the runs meet what they are for.
  struct Encounters: Equatable {
    var pages = 0
    var readErrors = 0
    var shortReads = 0
    var pageErrors = 0
    var warnings = 0
    var shortages = 0
    var resets = 0
    var retries = 0

    mutating func add(_ other: Encounters) {
      pages += other.pages
      readErrors += other.readErrors
      shortReads += other.shortReads
      pageErrors += other.pageErrors
      warnings += other.warnings
      shortages += other.shortages
      resets += other.resets
      retries += other.retries
    }
  }

  let seed: UInt64
  var random: SimulationRandom
  let rig: SimulatedRig
  let blocks: Int
  let blocksPerSegment: Int
  /// Blocks whose page was damaged on disk.
  let damaged: Set<UInt32>
  /// Blocks that were cut off, in whole or in part.
  let missing: Set<UInt32>
  var sessions: [SimulatedSession] = []
  private var hogged: [BufferID] = []
  var encounters = Encounters()

  init(seed: UInt64) throws {
    self.seed = seed
    var random = SimulationRandom(seed: seed)
    blocks = random.element(of: [1, 2, 5, 17, 40, 77, 120])
    blocksPerSegment = random.element(of: [1, 3, 6, 16, 40, 1000])
    var faults = FaultModel(from: &random)
    faults.isBounded = false
    rig = try SimulatedRig(
      seed: random.next(), blocks: blocks, buffers: random.element(of: [16, 17, 24, 40, 80, 200]),
      blocksPerSegment: blocksPerSegment, handles: random.element(of: [1, 2, 4, 64]),
      combineLimit: random.element(of: [1, 2, 3, 7, 16, 32]), direct: random.oneIn(2), merges: random.oneIn(2),
      faults: faults, latency: nil)
    var damaged: Set<UInt32> = []
    if random.oneIn(2) {
      for _ in 0..<random.number(in: 1...3) {
        let block = UInt32(random.below(blocks))
        damaged.insert(block)
        let (path, first) = Self.segment(of: block, blocksPerSegment)
        // In the header, or where only the checksum sees it.
        let place = random.oneIn(2) ? PageLayout.Offset.lower + 1 : 24 + random.below(8000)
        rig.disk.flipBits(0x40, at: Int(block - first) * PageLayout.blockSize + place, of: path)
      }
    }
    self.damaged = damaged
    missing = random.oneIn(4) ? try Self.cut(&random, rig, blocks, blocksPerSegment) : []
    self.random = random
  }

  /// Cuts a segment off somewhere. - Returns: the blocks that are lost.
  private static func cut(
    _ random: inout SimulationRandom, _ rig: SimulatedRig, _ blocks: Int, _ blocksPerSegment: Int
  ) throws -> Set<UInt32> {
    let (path, first) = segment(of: UInt32(random.below(blocks)), blocksPerSegment)
    let count = min(blocksPerSegment, blocks - Int(first))
    let length = random.below(count * PageLayout.blockSize / 512) * 512
    let file = try rig.disk.openFile(path, .write)
    try file.truncate(to: Int64(length))
    file.close()
    return Set(first + UInt32(length / PageLayout.blockSize)..<first + UInt32(count))
  }

  static func segment(of block: UInt32, _ blocksPerSegment: Int) -> (path: String, first: UInt32) {
    let number = Int(block) / blocksPerSegment
    return (number == 0 ? SimulatedRig.path : "\(SimulatedRig.path).\(number)", UInt32(number * blocksPerSegment))
  }

  /// Whether a block has a sector that has gone bad.
  func isBad(_ block: UInt32) -> Bool {
    let (path, first) = Self.segment(of: block, blocksPerSegment)
    let bytes = Int(block - first) * PageLayout.blockSize..<Int(block - first + 1) * PageLayout.blockSize
    return rig.disk.badSectors(of: path).contains {
      bytes.overlaps($0 * rig.disk.sectorSize..<($0 + 1) * rig.disk.sectorSize)
    }
  }

  func failure(_ what: String) -> Failure { Failure(seed: seed, what: what) }

  func run() throws -> Encounters {
    for number in 0..<random.number(in: 1...4) {
      sessions.append(try SimulatedSession(self, number))
    }
    for _ in 0..<random.number(in: 20...200) {
      let session = random.element(of: sessions)
      switch random.below(40) {
      case 0: rig.pool.invalidate(rig.fork)
      case 1: rig.pool.evict(rig.fork, UInt32(random.below(blocks)))
      case 2: session.reset()
      case 3: session.pauseOrResume()
      case 4: rig.clock.advance(by: UInt64(random.below(1_000_000)))
      case 5: hogBuffers()
      case 6: releaseBuffers()
      default: session.isFinished ? session.begin() : try session.step()
      }
    }
    try settle()
    return encounters
  }

  /// Somebody else pins buffers: some, or all that there are.
  private func hogBuffers() {
    let wanted = random.oneIn(3) ? rig.pool.count : random.below(rig.pool.count)
    let other = ForkID(rawValue: .max)
    for block in 0..<UInt32(wanted) {
      do throws(StorageError) {
        hogged.append(try rig.pool.pinOrAllocate(BufferTag(other, block), strategy: nil))
      } catch { return }
    }
  }

  private func releaseBuffers() {
    for buffer in hogged { rig.pool.unpin(buffer) }
    hogged = []
  }

  /// The faults end: everything that is sound on disk comes, and nothing is held.
  private func settle() throws {
    rig.disk.faults = .none
    releaseBuffers()
    for session in sessions { session.resume() }
    var rounds = 0
    while sessions.contains(where: { !$0.isFinished }) {
      for session in sessions where !session.isFinished { try session.step() }
      rounds += 1
      if rounds > 5000 { throw failure("the sessions do not come to an end") }
    }
    for session in sessions { encounters.retries += Int(session.backend.statistics.retryTotal) }
    for session in sessions { session.close() }
    rig.pool.invalidate(rig.fork)
    let sound = (0..<UInt32(blocks)).filter { !damaged.contains($0) && !missing.contains($0) }
    let stream = rig.stream(NumberedBlocks(sound))
    for block in sound {
      guard let page = try stream.next(), page.block.rawValue == block, rig.image.holds(page.bytes, block) else {
        throw failure("block \(block) did not come when the disk was sound again")
      }
    }
    stream.reset()
    guard rig.pool.pinCount == 0 else { throw failure("\(rig.pool.pinCount) pins are left") }
    guard rig.pool.readAheadBudget.usedCount == 0, rig.backend.outstandingCount == 0, rig.simulation.inFlightCount == 0
    else { throw failure("budget or I/O is left") }
    sessions = []
    guard rig.pool.readAheadBudget.streamCount == 1 else { throw failure("streams are left") }
  }
}
