import Glibc
import MillraceIO
import MillraceSimulation
import Testing

@Suite("power of a simulated machine")
struct SimulatedPowerTests {
  @Test("from the drawn operation on, everything fails and nothing changes, until the machine comes up again")
  func goesOff() throws {
    let disk = SimulatedDisk(seed: 1)
    let file = try disk.make("f", bytes(1, 8192))
    #expect(disk.operationCount == 2)
    disk.powerOff(after: 2)
    #expect(file.write(bytes(2, 4096), at: 0) == 4096)
    #expect(file.read(1, at: 0).bytes == [2])
    #expect(disk.hasPower)
    #expect(file.write(bytes(3, 4096), at: 0) == -Int(EIO))
    #expect(!disk.hasPower)
    #expect(file.read(1, at: 0).error == -Int(EIO))
    #expect(file.sync(dataOnly: true) == -Int64(EIO))
    #expect(file.allocate(at: 0, length: 1) == -Int64(EIO))
    #expect(throws: IOError.self) { try file.truncate(to: 0) }
    #expect(throws: IOError.self) { try disk.openFile("f", []) }
    #expect(throws: IOError.self) { try disk.rename("f", to: "g") }
    #expect(throws: IOError.self) { try disk.remove("f") }
    #expect(throws: IOError.self) { try disk.syncDirectory("") }
    disk.crash()
    #expect(disk.hasPower)
    #expect(disk.contents(of: "f") == bytes(2, 4096) + bytes(1, 4096), "no fault loses what was not synced")
    #expect(try disk.openFile("f", []).read(1, at: 0).bytes == [2])
  }

  /// Three writes are in flight, of which the first to end meets the loss of power. - Returns: what each place has.
  private func survivors(seed: UInt64) throws -> [UInt8] {
    let size = 4096
    let simulation = try SimulatedEngine(
      seed: seed, disk: SimulatedDisk(seed: seed), latency: LatencyModel(completionsInSubmit: 0))
    let file = try simulation.disk.make("f", bytes(0, 4 * size))
    let backend = try simulation.engine.makeBackend("test")
    let memory = try IOMemory(byteCount: size)
    memory.bytes.initializeMemory(as: UInt8.self, repeating: 7)
    func write(_ place: Int) -> IOReference {
      backend.acquire().start(.writev, file, at: Int64(place * size), memory: memory.bytes)
    }
    simulation.disk.powerOff(after: 0)
    let references = (0..<3).map(write)
    backend.wait(for: references[0])
    let late = write(3)
    for reference in references + [late] { backend.wait(for: reference) }
    simulation.crash()
    backend.close()
    simulation.engine.close(file)
    let contents = try #require(simulation.disk.contents(of: "f"))
    return (0..<4).map { contents[$0 * size] }
  }

  @Test("what was in flight when it went off may have its effect, what was submitted later has none")
  func interruptsWhatIsInFlight() throws {
    var seen: Set<[UInt8]> = []
    for seed in UInt64(0)..<80 { seen.insert(try survivors(seed: seed)) }
    #expect(seen.allSatisfy { $0[3] == 0 })
    #expect(Set(seen.map { Array($0[..<3]) }).count == 8, "each of the three by itself: \(seen)")
  }
}
