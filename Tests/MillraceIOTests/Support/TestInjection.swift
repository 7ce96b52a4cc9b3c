import Synchronization

@testable import MillraceIO

/// An attempt whose raw result can be replaced.
struct InjectedAttempt: Sendable {
  let operation: IOOperation
  let offset: Int64
  let length: Int
  let path: String
  /// How many attempts this injection has seen before.
  let number: Int
}

/// Replaces raw results as a closure says. The closure may also hold the completion up.
final class TestInjection: IOInjection, @unchecked Sendable {
  // Safe because the closure is Sendable and the count atomic.

  private let replace: @Sendable (Int64, InjectedAttempt) -> Int64
  private let seen = Atomic<Int>(0)

  init(_ replace: @escaping @Sendable (Int64, InjectedAttempt) -> Int64) { self.replace = replace }

  override func result(_ raw: Int64, of io: borrowing CompletionContext, path: String) -> Int64 {
    let number = seen.wrappingAdd(1, ordering: .relaxed).oldValue
    return replace(
      raw,
      InjectedAttempt(operation: io.operation, offset: io.offset, length: io.length, path: path, number: number))
  }
}
