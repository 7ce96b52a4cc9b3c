/// Finding words in lines of code.
enum Text {
  /// Where `word` stands in `line` and does not continue a longer name. A word that begins with a letter is not
  /// found as a member either (`.print(`), nor where it is declared (`func print(`).
  static func find(_ word: String, in line: String) -> Bool {
    let startsName = word.utf8.first.map(isNameByte) ?? false
    let endsName = word.utf8.last.map(isNameByte) ?? false
    var rest = line[...]
    while let range = rest.firstRange(of: word) {
      let before = line[..<range.lowerBound]
      let after = line[range.upperBound...]
      let continues = startsName && (before.utf8.last.map { isNameByte($0) || $0 == UInt8(ascii: ".") } ?? false)
      let isContinued = endsName && (after.utf8.first.map(isNameByte) ?? false)
      if !continues, !isContinued, !before.hasSuffix("func ") { return true }
      rest = line[range.upperBound...]
    }
    return false
  }

  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: byte >= 0x80
    }
  }

  /// All names in a line, in order.
  static func names(in line: String) -> [Substring] {
    line.utf8.split(whereSeparator: { !isNameByte($0) }).compactMap { Substring($0) }
  }
}
