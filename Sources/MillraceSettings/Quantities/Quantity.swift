/// Why a size, a rate or a time on a command line was refused, in one sentence.
public struct QuantityError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// Reads a number with a unit, for the quantities of the command line.
enum Quantity {
  /// - Parameters:
  ///   - noun: What is read, for the message: `a size`.
  ///   - units: Names with their size in the smallest unit, in the order in which the message lists them.
  ///   - bare: The size of the unit that a number without one has.
  /// - Returns: The quantity in the smallest unit, rounded to the nearest whole number.
  static func parse(
    _ text: String, noun: String, units: [(name: String, size: Int)], bare: Int
  ) throws(QuantityError) -> Int {
    var scanner = NumberScanner(text)
    guard let number = scanner.scanInteger(), let unitName = scanner.scanUnitName() else {
      throw malformed(text, noun, units)
    }
    guard number >= 0 else { throw QuantityError("\"\(text)\" is not \(noun): it is negative.") }
    guard let size = unitName.isEmpty ? bare : units.first(where: { $0.name == unitName })?.size else {
      throw malformed(text, noun, units)
    }
    guard let whole = Int(exactly: (number * Double(size)).rounded(.toNearestOrEven)) else {
      throw QuantityError("\"\(text)\" is not \(noun): it is too large.")
    }
    return whole
  }

  private static func malformed(_ text: String, _ noun: String, _ units: [(name: String, size: Int)]) -> QuantityError {
    let names = units.map(\.name).joined(separator: ", ")
    return QuantityError("\"\(text)\" is not \(noun): write a number and one of \(names).")
  }

  /// The number in the largest of `units` that divides it without a rest. The units go from large to small.
  static func display(_ number: Int, units: [(name: String, size: Int)]) -> String {
    guard number > 0, let unit = units.first(where: { number % $0.size == 0 }) else { return "0" }
    return "\(number / unit.size)\(unit.name)"
  }
}
