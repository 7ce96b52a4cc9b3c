/// Takes a value to the thread that will use it.
struct Moved<Value>: @unchecked Sendable {
  // Safe because the thread that made it does not use it.
  let value: Value

  init(_ value: Value) { self.value = value }
}
