import Foundation

/// What the process is told: words `name=value`, of which those that it does not know are settings.
struct WriterOptions {
  var directory = ""
  var seed: UInt64 = 1
  /// The number of each client's next transaction.
  var numbers: [UInt64] = [0]
  /// Transactions that each client makes; nil: until the process is killed.
  var transactions: UInt64?
  var usualRows = 60
  var changesMax = 6
  /// One in so many transactions of the first client is followed by a checkpoint.
  var checkpointEvery: UInt64 = 100
  var assignments: [(name: String, value: String)] = []

  init(_ words: some Sequence<String>) throws {
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2 else { throw WriterError(description: "\(word) is not name=value") }
      try take(parts[0], parts[1])
    }
  }

  private mutating func take(_ name: String, _ value: String) throws {
    func number<Number: FixedWidthInteger>() throws -> Number {
      guard let number = Number(value) else { throw WriterError(description: "\(value) is not a number") }
      return number
    }
    switch name {
    case "directory": directory = value
    case "seed": seed = try number()
    case "numbers": numbers = try value.split(separator: ",").map { try WriterOptions.number($0) }
    case "transactions": transactions = try number()
    case "usual-rows": usualRows = try number()
    case "changes-max": changesMax = try number()
    case "checkpoint-every": checkpointEvery = try number()
    default: assignments.append((name, value))
    }
  }

  private static func number(_ text: Substring) throws -> UInt64 {
    guard let number = UInt64(text) else { throw WriterError(description: "\(text) is not a number") }
    return number
  }
}
