/// How long I/O takes in a simulation, in virtual nanoseconds. Order follows from it: what is faster overtakes.
public struct LatencyModel: Sendable, Equatable {
  /// What most I/Os take, evenly distributed.
  public var usual: ClosedRange<Int>
  /// One in so many takes longer; 0 is none.
  public var stalls: UInt32
  /// How much longer.
  public var stall: Int
  /// One in so many submissions sees I/O complete before it returns; 0 is none, 1 is all, which keeps I/O in order.
  public var completionsInSubmit: UInt32
  /// What a sync takes; nil for what everything takes.
  public var sync: ClosedRange<Int>?
  /// Whether the disk does one sync after another, however many it is asked for together.
  public var syncsOneByOne = false

  public init(
    usual: ClosedRange<Int> = 50_000...150_000, stalls: UInt32 = 0, stall: Int = 0, completionsInSubmit: UInt32 = 0,
    sync: ClosedRange<Int>? = nil, syncsOneByOne: Bool = false
  ) {
    (self.usual, self.stalls, self.stall) = (usual, stalls, stall)
    self.completionsInSubmit = completionsInSubmit
    (self.sync, self.syncsOneByOne) = (sync, syncsOneByOne)
  }

  /// Draws a model: a fast disk or a slow one, with or without stragglers.
  public init(from random: inout SimulationRandom) {
    let least = random.element(of: [1000, 20_000, 500_000])
    let spread = random.element(of: [1, 2, 20])
    self.init(
      usual: least...least * spread, stalls: random.element(of: [0, 0, 20, 4]), stall: least * 50,
      completionsInSubmit: random.element(of: [0, 8, 2]))
  }

  /// How long one I/O takes.
  func draw(isSync: Bool, from random: inout SimulationRandom) -> UInt64 {
    let range = isSync ? sync ?? usual : usual
    return UInt64(random.number(in: range) + (random.oneIn(stalls) ? random.below(stall + 1) : 0))
  }
}
