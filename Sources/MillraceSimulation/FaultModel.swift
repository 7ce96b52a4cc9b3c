/// What a simulated disk may do wrong. The model says exactly what an engine has to survive; anything else that goes
/// wrong in a simulation is the engine's own fault.
///
/// Rates are "one in so many"; 0 is never. Everything is off in ``none``. Faults sit beside the data, so switching them
/// off brings a disk back on which everything that was acknowledged can be read.
public struct FaultModel: Sendable, Equatable {
  // MARK: While running

  /// One in so many reads finds a sector of its range gone bad.
  public var latentSectorErrors: UInt32 = 0
  /// Reads of bad sectors, and writes of less than a whole bad sector, fail with EIO until the sector is overwritten.
  public var badSectorsFail = false
  /// One in so many writes fails with EIO, after some of its sectors may have been written.
  public var writeErrors: UInt32 = 0
  /// One in so many syncs fails with EIO, and what it should have made durable may be lost: as on Linux, a later sync
  /// that succeeds does not cover it.
  public var syncErrors: UInt32 = 0
  /// One in so many requests to write a range out fails with EIO, and with it what a sync that fails loses.
  public var flushErrors: UInt32 = 0
  /// One in so many transfers ends early. Direct ones and writes end at a sector.
  public var shortTransfers: UInt32 = 0
  /// One in so many operations is told to try again (EAGAIN).
  public var tryAgain: UInt32 = 0
  /// The disk's capacity holds: ENOSPC beyond it.
  public var isBounded = false
  /// Nothing can be changed: EROFS.
  public var isReadOnly = false

  // MARK: At a crash

  /// Of what was written and not synced, some survives and some does not, in any order. Otherwise all of it survives,
  /// as when only the process ends.
  public var losesUnsyncedWrites = false
  /// What survives is decided for each sector and not for each write. Only with `losesUnsyncedWrites`.
  public var tearsUnsyncedWrites = false
  /// Of creations, renamings and removals whose directory was not synced, only the earlier ones survive.
  public var losesUnsyncedNames = false

  /// Nothing goes wrong.
  public static let none = FaultModel()

  public init() {}

  /// Draws a model in swarm style (Groce and others: Swarm Testing, 2012): each class of faults is on or off for the
  /// whole run, so that some runs are dominated by faults that would rarely come first in a mix of all.
  public init(from random: inout SimulationRandom) {
    self.init()
    let rates: [UInt32] = [3, 10, 50, 250]
    func rate(_ random: inout SimulationRandom, onceIn runs: UInt32) -> UInt32 {
      random.oneIn(runs) ? random.element(of: rates) : 0
    }
    latentSectorErrors = rate(&random, onceIn: 3)
    badSectorsFail = latentSectorErrors > 0
    writeErrors = rate(&random, onceIn: 4)
    syncErrors = rate(&random, onceIn: 4)
    shortTransfers = rate(&random, onceIn: 2)
    tryAgain = rate(&random, onceIn: 2)
    isBounded = random.oneIn(4)
    losesUnsyncedWrites = !random.oneIn(4)
    tearsUnsyncedWrites = random.oneIn(2)
    losesUnsyncedNames = random.oneIn(2)
  }
}

/// How often a disk has done what its ``FaultModel`` allows, so that a test can ask whether an error had a cause.
public struct FaultCounts: Sendable, Equatable {
  public internal(set) var badSectorErrors = 0
  public internal(set) var writeErrors = 0
  public internal(set) var syncErrors = 0
  public internal(set) var flushErrors = 0
  public internal(set) var shortTransfers = 0
  public internal(set) var tryAgain = 0
  public internal(set) var noSpace = 0
  public internal(set) var readOnly = 0

  public init() {}
}
