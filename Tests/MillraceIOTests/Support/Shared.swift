@testable import MillraceIO

/// A value that a test and what it has running elsewhere both use.
final class Shared<Value>: Sendable {
  private let state: Locked<Value>

  init(_ value: sending Value) { state = Locked(value) }

  func update<Result>(_ body: (inout Value) -> Result) -> Result { state.withLock { body(&$0) } }

  var value: Value {
    get { update { $0 } }
    set { update { $0 = newValue } }
  }
}
