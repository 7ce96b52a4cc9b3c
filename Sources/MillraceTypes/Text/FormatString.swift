/// SQL's `format`: a text with places for arguments (varlena.c's text_format).
public struct FormatString {
  /// An argument: its text, nil where NULL.
  public typealias Argument = ByteView?

  private let text: ByteView
  private let arguments: [Argument]
  private var at = 0
  private var nextArgument = 0

  /// Appends the text with its arguments in their places: `%s` as they are, `%I` as identifiers, `%L` as literals,
  /// `%1$s` by number, `%-10s` in a width, which may be an argument too: `%*s`.
  public static func append(_ text: ByteView, _ arguments: [Argument], to result: inout [UInt8]) throws(TypeError) {
    var format = FormatString(text: text, arguments: arguments)
    try format.run(&result)
  }

  private init(text: ByteView, arguments: [Argument]) {
    self.text = text
    self.arguments = arguments
  }

  private static let unterminated = TypeError(
    .invalidParameterValue, "unterminated format() type specifier", hint: "For a single \"%\" use \"%%\".")

  private struct Place {
    var argument: Int?
    var width = 0
    var widthArgument: Int?
    var takesWidth = false
    var isLeft = false
  }

  private mutating func run(_ result: inout [UInt8]) throws(TypeError) {
    while at < text.count {
      guard text[at] == UInt8(ascii: "%") else {
        result.append(text[at])
        at += 1
        continue
      }
      at += 1
      if try current() == UInt8(ascii: "%") {
        result.append("%")
        at += 1
        continue
      }
      var place = try parsePlace()
      let kind = try current()
      guard kind == UInt8(ascii: "s") || kind == UInt8(ascii: "I") || kind == UInt8(ascii: "L") else {
        let length = min(UTF8Encoding.length(ofCharacterWith: kind), text.count - at)
        throw TypeError(
          .invalidParameterValue, "unrecognized format() type specifier \"\(text[at..<at + length].string)\"",
          hint: "For a single \"%\" use \"%%\".")
      }
      at += 1
      if place.takesWidth { try takeWidth(&place) }
      let index = place.argument.map { $0 - 1 } ?? nextArgument
      guard arguments.indices.contains(index) else { throw .invalidParameter("too few arguments for format()") }
      nextArgument = index + 1
      try append(arguments[index], kind, place, &result)
    }
  }

  private func current() throws(TypeError) -> UInt8 {
    guard at < text.count else { throw Self.unterminated }
    return text[at]
  }

  private mutating func number() throws(TypeError) -> Int? {
    var value: Int?
    while at < text.count, ASCII.isDigit(text[at]) {
      value = (value ?? 0) * 10 + Int(text[at] - UInt8(ascii: "0"))
      if value ?? 0 > Int(Int32.max) { throw TypeError(.numericValueOutOfRange, "number is out of range") }
      at += 1
    }
    return value
  }

  /// What stands between the percent sign and the letter.
  private mutating func parsePlace() throws(TypeError) -> Place {
    var place = Place()
    if let number = try number() {
      guard try current() == UInt8(ascii: "$") else {
        // It was a width.
        place.width = number
        return place
      }
      guard number > 0 else {
        throw .invalidParameter("format specifies argument 0, but arguments are numbered from 1")
      }
      place.argument = number
      at += 1
    }
    while try current() == UInt8(ascii: "-") {
      place.isLeft = true
      at += 1
    }
    if try current() == UInt8(ascii: "*") {
      at += 1
      place.takesWidth = true
      if let number = try number() {
        guard try current() == UInt8(ascii: "$") else {
          throw .invalidParameter("width argument position must be ended by \"$\"")
        }
        guard number > 0 else {
          throw .invalidParameter("format specifies argument 0, but arguments are numbered from 1")
        }
        place.widthArgument = number
        at += 1
      }
    } else if let number = try number() {
      place.width = number
    }
    return place
  }

  private mutating func takeWidth(_ place: inout Place) throws(TypeError) {
    let index = place.widthArgument.map { $0 - 1 } ?? nextArgument
    guard arguments.indices.contains(index) else { throw .invalidParameter("too few arguments for format()") }
    nextArgument = index + 1
    guard let argument = arguments[index] else { return }
    let width = try IntegerText.parse(argument, type: "integer", as: Int32.self)
    place.isLeft = place.isLeft || width < 0
    place.width = Int(width.magnitude)
  }

  private func append(
    _ argument: Argument, _ kind: UInt8, _ place: Place, _ result: inout [UInt8]
  ) throws(TypeError) {
    var value: [UInt8] = []
    switch (kind, argument) {
    case (UInt8(ascii: "s"), let argument?): value.append(argument)
    case (UInt8(ascii: "s"), nil): break
    case (UInt8(ascii: "I"), let argument?): Quoting.identifier(argument, to: &value)
    case (UInt8(ascii: "I"), nil):
      throw TypeError(.nullValueNotAllowed, "null values cannot be formatted as an SQL identifier")
    case (_, let argument?): Quoting.literal(argument, to: &value)
    case (_, nil): value.append("NULL")
    }
    let missing = place.width - value.withByteView { UTF8Encoding.characterCount($0) }
    guard result.count + max(missing, 0) + value.count <= TextFunctions.lengthMax else {
      throw TypeError(.programLimitExceeded, "string buffer exceeds maximum allowed length")
    }
    let padding = repeatElement(UInt8(ascii: " "), count: max(missing, 0))
    if !place.isLeft { result.append(contentsOf: padding) }
    result.append(contentsOf: value)
    if place.isLeft { result.append(contentsOf: padding) }
  }
}
