import MillraceIO
import MillraceSimulation
import Testing

@Suite("an engine in virtual time")
struct SimulatedEngineTests {
  private static let block = 8192

  private func makeSimulation(seed: UInt64 = 1, latency: LatencyModel? = nil) throws -> SimulatedEngine {
    try SimulatedEngine(seed: seed, disk: SimulatedDisk(seed: seed), latency: latency)
  }

  private func makeFile(_ simulation: SimulatedEngine) throws -> SimulatedFile {
    try simulation.disk.make("f", bytes(1, 64 * Self.block))
  }

  /// Starts reads that are no neighbours.
  private func start(_ backend: IOBackend, _ file: IOFile, _ memory: IOMemory, count: Int) -> [IOReference] {
    (0..<count).map { place in
      let piece = memory.bytes[place * Self.block..<(place + 1) * Self.block]
      return backend.acquire().start(
        .readv, file, at: Int64(2 * place * Self.block), memory: UnsafeMutableRawBufferPointer(rebasing: piece))
    }
  }

  /// In which order sixteen reads end.
  private func order(seed: UInt64, latency: LatencyModel? = nil) throws -> [Int] {
    let simulation = try makeSimulation(seed: seed, latency: latency)
    let file = try makeFile(simulation)
    let backend = try simulation.engine.makeBackend("test")
    let memory = try IOMemory(byteCount: 16 * Self.block)
    let references = start(backend, file, memory, count: 16)
    var order = references.indices.filter { simulation.engine.isCompleted(references[$0]) }
    while order.count < 16 {
      backend.reap(atLeast: 1)
      order += references.indices.filter { !order.contains($0) && simulation.engine.isCompleted(references[$0]) }
    }
    backend.close()
    simulation.engine.close(file)
    return order
  }

  @Test("I/O ends in an order that the seed determines, and many seeds know many orders")
  func ordersBySeed() throws {
    var orders: Set<[Int]> = []
    for seed in UInt64(0)..<20 {
      let order = try order(seed: seed, latency: LatencyModel())
      #expect(order.sorted() == Array(0..<16))
      #expect(try self.order(seed: seed, latency: LatencyModel()) == order)
      orders.insert(order)
    }
    #expect(orders.count == 20)
  }

  @Test("equal latencies keep the order")
  func keepsOrder() throws {
    #expect(try order(seed: 1, latency: LatencyModel(usual: 1000...1000)) == Array(0..<16))
  }

  @Test("nothing ends by itself; waiting lets as much time pass as it takes")
  func passesTime() throws {
    let simulation = try makeSimulation(latency: LatencyModel(usual: 1000...1000))
    let file = try makeFile(simulation)
    let backend = try simulation.engine.makeBackend("test")
    let memory = try IOMemory(byteCount: 4 * Self.block)
    let references = start(backend, file, memory, count: 4)
    #expect(simulation.inFlightCount == 4)
    #expect(simulation.clock.nanoseconds == 0)
    #expect(references.allSatisfy { !simulation.engine.isCompleted($0) })
    backend.wait(for: references[1])
    // Waiting asks first, which takes a little; in that time the others may end as well.
    #expect(simulation.inFlightCount <= 2)
    #expect((1000...100_000).contains(simulation.clock.nanoseconds))
    simulation.latency = LatencyModel(usual: 5_000_000...5_000_000)
    _ = start(backend, file, memory, count: 1)
    backend.reap(atLeast: 3)
    // Reaping asks first, which takes a little.
    #expect((5_001_000...5_200_000).contains(simulation.clock.nanoseconds))
    backend.close()
    simulation.engine.close(file)
  }

  @Test("where submitting completes, it does")
  func completesInSubmit() throws {
    let simulation = try makeSimulation(latency: LatencyModel(completionsInSubmit: 1))
    let file = try makeFile(simulation)
    let backend = try simulation.engine.makeBackend("test")
    let memory = try IOMemory(byteCount: Self.block)
    #expect(start(backend, file, memory, count: 1).allSatisfy(simulation.engine.isCompleted))
    backend.close()
    simulation.engine.close(file)
  }

  @Test("two writes of one range in flight are a bug of the caller's")
  func refusesOverlappingWrites() async throws {
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let disk = SimulatedDisk(seed: 1)
      let simulation = try SimulatedEngine(seed: 1, disk: disk, latency: LatencyModel())
      let file = try disk.openFile("f", [.write, .create])
      let backend = try simulation.engine.makeBackend("test")
      let memory = try IOMemory(byteCount: 8192)
      for offset in [0, 4096] {
        _ = backend.acquire().start(.writev, file, at: Int64(offset), memory: memory.bytes)
      }
      backend.close()
    }
    #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains("two writes of one range of a file"))
  }

  @Test("at a crash some writes in flight have had their effect, and all of them fail")
  func crashes() throws {
    var survivors: Set<[UInt8]> = []
    for seed in UInt64(0)..<60 {
      let simulation = try makeSimulation(seed: seed, latency: LatencyModel())
      simulation.disk.faults.losesUnsyncedWrites = true
      let file = try makeFile(simulation)
      #expect(file.sync(dataOnly: false) == 0)
      try simulation.disk.syncDirectory("")
      let backend = try simulation.engine.makeBackend("test")
      let memory = try IOMemory(byteCount: 2 * Self.block)
      memory.bytes.initializeMemory(as: UInt8.self, repeating: 2)
      var outcomes = [IOOutcome](repeating: .unknown, count: 2)
      outcomes.withUnsafeMutableBufferPointer { outcomes in
        for place in 0..<2 {
          let handle = backend.acquire()
          if let first = outcomes.baseAddress { handle.returns(to: first + place) }
          let piece = memory.bytes[place * Self.block..<(place + 1) * Self.block]
          _ = handle.start(
            .writev, file, at: Int64(2 * place * Self.block), memory: UnsafeMutableRawBufferPointer(rebasing: piece))
        }
        simulation.crash()
        backend.reap(atLeast: 2)
      }
      #expect(outcomes.allSatisfy { $0.status == .failed })
      backend.close()
      simulation.engine.close(file)

      // The next engine finds the disk as the crash left it.
      let next = try SimulatedEngine(seed: seed, disk: simulation.disk)
      let contents = try #require(next.disk.contents(of: "f"))
      #expect(contents.count == 64 * Self.block)
      survivors.insert([contents[0], contents[2 * Self.block]])
    }
    #expect(survivors == [[1, 1], [1, 2], [2, 1], [2, 2]])
  }

  @Test("files of the real file system keep their order from the seed")
  func simulatesOrderOnly() throws {
    let simulation = try SimulatedEngine(seed: 3)
    let file = try DescriptorFile.open("/dev/zero", [])
    let backend = try simulation.engine.makeBackend("test")
    let memory = try IOMemory(byteCount: 4 * Self.block)
    memory.bytes.initializeMemory(as: UInt8.self, repeating: 7)
    let references = start(backend, file, memory, count: 4)
    backend.reap(atLeast: 4)
    #expect(references.allSatisfy(simulation.engine.isCompleted))
    #expect(memory.bytes.allSatisfy { $0 == 0 })
    backend.close()
    simulation.engine.close(file)
  }

  @Test("models of latency are drawn: fast and slow, with and without stragglers")
  func drawsLatencies() {
    var models: [LatencyModel] = []
    for seed in UInt64(0)..<100 {
      var random = SimulationRandom(seed: seed)
      models.append(LatencyModel(from: &random))
    }
    #expect(Set(models.map(\.usual)).count == 9)
    #expect(Set(models.map(\.stalls)) == [0, 20, 4])
    #expect(Set(models.map(\.completionsInSubmit)) == [0, 8, 2])
  }
}
