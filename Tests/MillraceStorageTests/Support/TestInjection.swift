import Foundation

@testable import MillraceIO
@testable import MillraceStorage

/// Meets every attempt at an I/O on a relation before anything is made of its result: replaces the result, or holds the
/// completing thread up.
final class TestInjection: IOInjection, @unchecked Sendable {
  // Safe because what is mutable is inside the lock.

  /// One attempt at a read or write of pages.
  struct Attempt: Sendable {
    let blocks: ClosedRange<UInt32>
    /// Bytes asked for by the I/O; an attempt after a short one asks for less.
    let length: Int
    /// What really came of it: bytes or -errno.
    let raw: Int64
    let fork: ForkID
    let isWrite: Bool

    func isOf(_ fork: StoredFork) -> Bool { self.fork == fork.id }
  }

  /// - Returns: what the engine shall take for the result.
  typealias Rule = @Sendable (Attempt) -> Int64

  private struct State {
    var rule: Rule?
    var attempts: [Attempt] = []
    weak var pool: BufferPool?
  }

  private let state = Locked(State())

  /// Where buffer numbers are turned into blocks.
  func watch(_ pool: BufferPool) { state.withLock { $0.pool = pool } }

  /// Replaces the rule. The old one may still be at work on another thread.
  func set(_ rule: Rule?) { state.withLock { $0.rule = rule } }

  /// All attempts so far.
  var attempts: [Attempt] { state.withLock { $0.attempts } }

  /// The blocks of all attempts at writes so far.
  var writes: [ClosedRange<UInt32>] { attempts.filter(\.isWrite).map(\.blocks) }

  func forgetAttempts() { state.withLock { $0.attempts = [] } }

  override func result(_ raw: Int64, of io: borrowing CompletionContext, path: String) -> Int64 {
    let buffers = Array(io.data)
    let length = io.length
    let isWrite = io.operation == .writev
    let rule = state.withLock { state -> (Rule, Attempt)? in
      guard let pool = state.pool, let first = buffers.first, let last = buffers.last else { return nil }
      let (low, high) = (pool.tag(first), pool.tag(last))
      let attempt = Attempt(blocks: low.block...high.block, length: length, raw: raw, fork: low.fork, isWrite: isWrite)
      state.attempts.append(attempt)
      return state.rule.map { ($0, attempt) }
    }
    guard let (rule, attempt) = rule else { return raw }
    return rule(attempt)
  }

  // MARK: Rules that tests need often

  /// Gives the attempts at reads that touch `block` these results, one after the other, then the real ones.
  func force(_ results: [Int64], onReadsOf block: UInt32) {
    let rest = Locked(results[...])
    set { attempt in
      guard attempt.blocks.contains(block) else { return attempt.raw }
      return rest.withLock { $0.popFirst() } ?? attempt.raw
    }
  }

  /// Fails all attempts at reads that touch `block`.
  func fail(_ number: Int32, onReadsOf block: UInt32) {
    set { $0.blocks.contains(block) ? -Int64(number) : $0.raw }
  }

  /// Fails all attempts at writes that touch `block`.
  func fail(_ number: Int32, onWritesOf block: UInt32) {
    set { $0.isWrite && $0.blocks.contains(block) ? -Int64(number) : $0.raw }
  }

  /// Holds the first completion of a read that touches `block` until the gate is opened.
  /// - Parameters:
  ///   - result: what the read shall have come to; the real result unless given.
  ///   - arrival: called by the thread that is held.
  func hold(readsOf block: UInt32, result: Int64? = nil, arrival: @escaping @Sendable () -> Void = {}) -> Gate {
    let gate = Gate()
    let isFirst = Locked(true)
    set { attempt in
      let isHeld = isFirst.withLock { isFirst -> Bool in
        guard isFirst, attempt.blocks.contains(block) else { return false }
        isFirst = false
        return true
      }
      guard isHeld else { return attempt.raw }
      arrival()
      gate.enter()
      return result ?? attempt.raw
    }
    return gate
  }
}

/// Where one thread waits until another lets it through.
final class Gate: Sendable {
  private let entered = DispatchSemaphore(value: 0)
  private let opened = DispatchSemaphore(value: 0)

  /// Reports arrival and waits to be let through.
  func enter() {
    entered.signal()
    opened.wait()
  }

  /// Waits until a thread has arrived.
  func waitUntilEntered() { entered.wait() }

  /// The same for tasks, whose threads must not be blocked.
  func hasBeenEntered() async throws {
    let thread = Locked<NamedThread?>(nil)
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      do {
        let waiter = try NamedThread("gate") { [self] in
          entered.wait()
          continuation.resume()
        }
        thread.withLock { $0 = waiter }
      } catch { continuation.resume(throwing: error) }
    }
    thread.withLock { $0?.join() }
  }

  /// Lets the one thread through that arrived or will.
  func open() { opened.signal() }
}
