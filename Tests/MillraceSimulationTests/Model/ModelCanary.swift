@testable import MillraceIO
import Glibc
import MillraceSimulation

/// A bug put into the engine's results on purpose, to show that a model run would find one.
enum ModelCanary: CaseIterable, Sendable {
  /// A bit of what was read is wrong.
  case flipsBit
  /// An I/O error is taken for success.
  case hidesErrors
  /// A short transfer is taken for a whole one.
  case hidesShortTransfers
  /// A whole transfer is taken for one that moved nothing, which for a read is the end of the file.
  case losesTransfers
}

/// Brings a canary in, into one of so many results.
final class ModelInjection: IOInjection, @unchecked Sendable {
  // Safe because one thread drives a model run.

  private let canary: ModelCanary
  private var random: SimulationRandom
  private static let rate: UInt32 = 20

  init(_ canary: ModelCanary, seed: UInt64) {
    self.canary = canary
    random = SimulationRandom(seed: seed)
  }

  override func result(_ raw: Int64, of io: borrowing CompletionContext, path: String) -> Int64 {
    guard io.operation.transfersData, random.oneIn(Self.rate) else { return raw }
    switch canary {
    case .flipsBit:
      if raw > 0, io.operation == .readv { flipBit(io) }
    case .hidesErrors:
      if raw == -Int64(EIO) { return Int64(io.length) }
    case .hidesShortTransfers:
      if raw > 0, raw < Int64(io.length) { return Int64(io.length) }
    case .losesTransfers:
      if raw > 0 { return 0 }
    }
    return raw
  }

  private func flipBit(_ io: borrowing CompletionContext) {
    guard let first = io.vectors.first, let base = first.base, first.byteCount > 0 else { return }
    base.assumingMemoryBound(to: UInt8.self)[0] ^= 0x10
  }
}
