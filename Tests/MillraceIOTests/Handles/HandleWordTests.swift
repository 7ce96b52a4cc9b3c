import Synchronization
import Testing

@testable import MillraceIO

@Suite("words, references and outcomes")
struct HandleWordTests {
  private static let generations: [UInt64] = [1, 2, 255, 1 << 24, (1 << 44) - 1, 1 << 44, (1 << 56) - 1]
  private static let flags: [UInt64] = [
    UInt64(0), HandleWord.bound, HandleWord.sleepers, HandleWord.awaiters, HandleWord.lookAgain, HandleWord.inPlace,
    0xF8,
  ]

  @Test("a word keeps generation, state and flags apart", arguments: generations, flags)
  func keepsApart(generation: UInt64, flags: UInt64) {
    for state in IOHandleState.allCases {
      let word = HandleWord(generation: generation, state: state, flags: flags)
      #expect(word.generation == generation)
      #expect(word.state == state)
      #expect((0..<5).allSatisfy { word.has(1 << (3 + $0)) == (flags & 1 << (3 + $0) != 0) })
      for next in IOHandleState.allCases {
        #expect(word.advanced(to: next) == HandleWord(generation: generation, state: next, flags: flags))
      }
    }
  }

  @Test("flags are five different bits between state and generation")
  func hasDistinctFlags() {
    let all: [UInt64] = [
      HandleWord.bound, HandleWord.sleepers, HandleWord.awaiters, HandleWord.lookAgain, HandleWord.inPlace,
    ]
    #expect(all.reduce(0, |) == 0xF8)
    #expect(all.reduce(0, +) == 0xF8)
  }

  @Test("a reference names one generation of one handle", arguments: [0, 1, 4095, 1_048_575] as [UInt32])
  func namesOne(index: UInt32) {
    for generation in Self.generations {
      let reference = IOReference(index: index, generation: generation)
      #expect(reference.index == index)
      #expect(reference.matches(HandleWord(generation: generation, state: .submitted, flags: 0xF8)))
      #expect(!reference.matches(HandleWord(generation: generation + 1, state: .submitted)))
      // Round after 2⁴⁴ uses.
      #expect(reference.isNone == (index == 0 && generation % (1 << 44) == 0))
    }
    #expect(IOReference.none.isNone)
    #expect(IOReference(rawValue: IOReference(index: index, generation: 5).rawValue).index == index)
  }

  @Test("an outcome is eight bytes that keep their parts apart")
  func packsOutcomes() {
    #expect(MemoryLayout<IOOutcome>.size == 8)
    for status in [IOOutcome.Status.unknown, .ok, .partial, .warning, .failed] {
      for result in [Int32.min, -1, 0, 1, 8192, .max] {
        for completion in [UInt8(0), 1, 31] {
          for detail in [UInt32(0), 1, 0xFF_FFFF] {
            let outcome = IOOutcome(
              status, result: result, decidedBy: IOCompletionID(rawValue: completion), detail: detail)
            #expect(outcome.status == status)
            #expect(outcome.result == result)
            #expect(outcome.decidedBy.rawValue == completion)
            #expect(outcome.detail == detail)
          }
        }
      }
    }
    #expect(IOOutcome.unknown.status == .unknown)
  }

  @Test("of those who claim a staged handle, one gets it; what is bound, only its owner's thread")
  func claimsOnce() {
    let table = HandleTable(backends: 1, handlesPerBackend: 2, vectorsPerHandle: 1)
    defer { table.deallocate() }
    func set(_ state: IOHandleState, flags: UInt64 = 0) {
      table[1].pointee.word.store(HandleWord(generation: 9, state: state, flags: flags).rawValue, ordering: .relaxed)
    }
    for state in IOHandleState.allCases where state != .staged {
      set(state)
      #expect(!table.claim(1))
      #expect(table.word(1) == HandleWord(generation: 9, state: state))
    }
    set(.staged, flags: HandleWord.sleepers)
    #expect(table.claim(1, inPlace: true))
    #expect(
      table.word(1) == HandleWord(generation: 9, state: .submitted, flags: HandleWord.sleepers | HandleWord.inPlace))
    #expect(!table.claim(1))
    set(.staged, flags: HandleWord.bound)
    #expect(!table.claim(1, evenBound: false))
    #expect(table.claim(1))
  }

  @Test("vectors are the system's")
  func matchesSystem() {
    #expect(MemoryLayout<IOVector>.size == 16)
    let vector = IOVector(base: UnsafeMutableRawPointer(bitPattern: 4096), byteCount: 10)
    #expect(vector.adjoins(IOVector(base: UnsafeMutableRawPointer(bitPattern: 4106), byteCount: 1)))
    #expect(!vector.adjoins(IOVector(base: UnsafeMutableRawPointer(bitPattern: 4107), byteCount: 1)))
  }
}

@Suite("a value behind a lock")
struct LockedTests {
  @Test("is changed by one thread at a time")
  func excludes() throws {
    let box = Shared(0)
    let threads = try (0..<4).map { number in
      try TestThread("adder \(number)") {
        for _ in 0..<5000 { box.update { $0 += 1 } }
      }
    }
    for thread in threads { try thread.join() }
    #expect(box.value == 20_000)
  }

  @Test("passes on what its body returns and throws, and can be entered again")
  func passesOn() throws {
    let lock = Locked([1, 2, 3])
    #expect(lock.withLock { $0.removeLast() } == 3)
    #expect(throws: IOError(.cancelled, message: "no")) {
      try lock.withLock { (_: inout [Int]) throws(IOError) in throw IOError(.cancelled, message: "no") }
    }
    #expect(lock.withLock { $0 } == [1, 2])
  }
}
