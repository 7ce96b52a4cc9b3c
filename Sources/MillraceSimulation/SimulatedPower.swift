/// When a simulated machine loses its power.
struct SimulatedPower {
  /// Operations that still happen; nil: all.
  var remaining: Int?
  private(set) var isOff = false
  /// In the moment in which it goes off, writes that were in flight may have an effect.
  var isGoing = false
  private(set) var operationCount = 0

  /// Counts an operation. - Returns: whether it happens.
  mutating func allowsOperation() -> Bool {
    if isGoing { return true }
    operationCount += 1
    guard let left = remaining else { return true }
    if left <= 0 {
      isOff = true
      return false
    }
    remaining = left - 1
    return true
  }
}
