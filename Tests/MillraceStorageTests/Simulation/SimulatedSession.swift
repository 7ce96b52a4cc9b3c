import Glibc
import MillraceIO
import MillraceSimulation

@testable import MillraceStorage

/// A session of a simulation: one backend, and one stream after the other, each page and each error of which is
/// checked.
final class SimulatedSession {
  private unowned let simulation: StorageSimulation
  let backend: IOBackend
  private var stream: ReadStream?
  private var list: [UInt32] = []
  private var flags: ReadBuffersFlags = []
  /// How much of the list has come or been named by an error.
  private var position = 0
  private var isPaused = false
  private(set) var isFinished = true
  private let warnings = Lines()

  init(_ simulation: StorageSimulation, _ number: Int) throws {
    self.simulation = simulation
    backend = try simulation.rig.engine.makeBackend("session \(number)")
    begin()
  }

  /// Opens a stream over a list of blocks.
  func begin() {
    stream = nil
    (isPaused, isFinished, position) = (false, false, 0)
    list = drawList()
    let both: ReadBuffersFlags = [.zeroOnError, .ignoreChecksumFailures]
    flags = simulation.random.element(of: [[], [], .zeroOnError, .ignoreChecksumFailures, both, .unverified])
    var configuration = ReadStreamConfiguration()
    configuration.ioConcurrency = simulation.random.element(of: [0, 1, 2, 5, 16])
    configuration.combineLimit = simulation.random.element(of: [1, 2, 5, 16, 32])
    configuration.startsFull = simulation.random.oneIn(3)
    configuration.perBufferDataSize = simulation.random.oneIn(3) ? 8 : 0
    configuration.flags = flags
    configuration.onWarning = { [warnings] in warnings.append($0) }
    let pool = simulation.rig.pool
    var ring: BufferStrategy?
    if simulation.random.oneIn(4) {
      let kind: BufferStrategy.Kind = simulation.random.oneIn(2) ? .bulkRead : .vacuum
      ring = BufferStrategy(kind, count: 1 + simulation.random.below(10), pool: pool)
    }
    stream = ReadStream(
      pool, backend, simulation.rig.fork,
      NumberedBlocks(list, hint: simulation.random.oneIn(2) ? list.count : nil), strategy: ring,
      configuration: configuration)
  }

  /// Runs up and down, single blocks, repeats.
  private func drawList() -> [UInt32] {
    let blocks = simulation.blocks
    var list: [UInt32] = []
    for _ in 0..<simulation.random.number(in: 0...6) {
      let start = simulation.random.below(blocks)
      let run = start..<min(start + simulation.random.number(in: 1...40), blocks)
      switch simulation.random.below(4) {
      case 0: list.append(UInt32(start))
      case 1: list += run.map { UInt32($0) }.reversed()
      default: list += run.map { UInt32($0) }
      }
    }
    return list
  }

  func reset() {
    simulation.encounters.resets += 1
    stream?.reset()
    begin()
  }

  func pauseOrResume() {
    if isPaused { return resume() }
    stream?.pause()
    isPaused = true
  }

  func resume() {
    guard isPaused else { return }
    stream?.resume()
    isPaused = false
  }

  func close() {
    stream = nil
    backend.close()
  }

  // MARK: Stepping

  private enum Taken {
    case page(UInt32, isSound: Bool, data: Int?)
    case end
    case error(StorageError)
  }

  private func take(_ stream: ReadStream) -> Taken {
    do throws(StorageError) {
      guard let page = try stream.next() else { return .end }
      let block = page.block.rawValue
      return .page(
        block, isSound: simulation.rig.image.holds(page.bytes, block),
        data: stream.perBufferData?.load(as: Int.self))
    } catch {
      return .error(error)
    }
  }

  /// Takes what comes next and checks it.
  func step() throws {
    guard let stream else { return }
    switch take(stream) {
    case .page(let block, let isSound, let data): try accept(block, isSound, data)
    case .error(let error): try accept(error)
    case .end:
      guard isPaused || position == list.count else {
        throw simulation.failure("a stream ended before \(list[position...].prefix(5))")
      }
      isFinished = !isPaused
    }
    for line in warnings.takeAll() { try accept(warning: line) }
  }

  private func accept(_ block: UInt32, _ isSound: Bool, _ data: Int?) throws {
    guard position < list.count, list[position] == block else {
      throw simulation.failure("block \(block) came where \(list[position...].prefix(3)) were due")
    }
    if let data, data != position {
      throw simulation.failure("page \(position) came with the data of page \(data)")
    }
    guard isSound || simulation.damaged.contains(block) else {
      throw simulation.failure("block \(block) has wrong bytes")
    }
    position += 1
    simulation.encounters.pages += 1
  }

  /// Checks that an error has its cause, and that it names what it takes away.
  private func accept(_ error: StorageError) throws {
    let lost = Array(error.blocks)
    guard list[position...].starts(with: lost) else {
      throw simulation.failure("\"\(error)\" names \(error.blocks) where \(list[position...].prefix(5)) were due")
    }
    position += lost.count
    let named = Self.blocks(in: error.message)
    switch error.code {
    case .noUnpinnedBuffers:
      simulation.encounters.shortages += 1
      let pool = simulation.rig.pool
      guard lost.isEmpty, (0..<UInt32(pool.count)).allSatisfy({ pool.state($0).pins > 0 }) else {
        throw simulation.failure("buffers were said to be all pinned and are not")
      }
    case .io(let cause) where cause.code == .shortTransfer:
      simulation.encounters.shortReads += 1
      // Nothing could be read, so the first block is not there.
      guard let named, simulation.missing.contains(named.lowerBound), error.message.contains("read only 0 of") else {
        throw simulation.failure("\"\(error)\", but the file is longer")
      }
    case .io(let cause):
      simulation.encounters.readErrors += 1
      guard cause.errno == EIO, let named, named.contains(where: simulation.isBad),
        error.blocks.contains(named.lowerBound), error.blocks.contains(named.upperBound)
      else { throw simulation.failure("\"\(error)\", but no sector there is bad") }
    case .writeAheadLog, .syncFailed:
      throw simulation.failure("\"\(error)\", but nothing is written")
    case .invalidPage:
      simulation.encounters.pageErrors += 1
      guard let named, named.contains(where: simulation.damaged.contains), !flags.contains(.unverified),
        !flags.contains(.zeroOnError)
      else { throw simulation.failure("\"\(error)\", but no page there is damaged") }
    }
  }

  private func accept(warning line: String) throws {
    simulation.encounters.warnings += 1
    guard let named = Self.blocks(in: line), named.contains(where: simulation.damaged.contains),
      flags.contains(.zeroOnError) || flags.contains(.ignoreChecksumFailures)
    else { throw simulation.failure("\"\(line)\" has no cause") }
  }

  /// `A..B`, or the one block of `block N`, in a message.
  static func blocks(in message: String) -> ClosedRange<UInt32>? {
    if let match = message.firstMatch(of: #/blocks (\d+)\.\.(\d+)/#), let low = UInt32(match.1),
      let high = UInt32(match.2)
    {
      return low...high
    }
    guard let match = message.firstMatch(of: #/block (\d+)/#), let block = UInt32(match.1) else { return nil }
    return block...block
  }
}

/// Lines that arrive on any thread.
final class Lines: Sendable {
  private let lines = Locked<[String]>([])

  func append(_ line: String) { lines.withLock { $0.append(line) } }

  func takeAll() -> [String] {
    lines.withLock { lines in
      defer { lines = [] }
      return lines
    }
  }
}
