/// A line of a file of rules: fields, each of them words with commas between.
struct HBALine: Sendable {
  let file: String
  let number: Int
  let fields: [[HBARule.Word]]
}

/// Takes files of rules apart (`tokenize_auth_file`): blanks separate fields, commas words; double quotes keep a word
/// together, `#` begins a comment, a backslash at the end goes on in the next line, `@file` stands for the words of
/// another file, and `include` for its lines.
struct HBALines {
  private let read: (String) -> String?
  var problems: [String] = []
  private static let depthMax = 10

  init(read: @escaping (String) -> String?) { self.read = read }

  mutating func lines(of text: String, name: String, depth: Int = 0) -> [HBALine] {
    var result: [HBALine] = []
    var pending = ""
    var firstNumber = 1
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if pending.isEmpty { firstNumber = index + 1 }
      if line.hasSuffix("\\") {
        pending += line.dropLast()
        continue
      }
      let fields = fields(of: pending + line, name, firstNumber, depth)
      pending = ""
      guard !fields.isEmpty else { continue }
      if let included = include(fields, name, firstNumber, depth) {
        result += included
      } else {
        result.append(HBALine(file: name, number: firstNumber, fields: fields))
      }
    }
    return result
  }

  private mutating func include(
    _ fields: [[HBARule.Word]], _ name: String, _ number: Int, _ depth: Int
  ) -> [HBALine]? {
    guard fields.count == 2, let keyword = fields[0].first, let file = fields[1].first?.text,
      keyword.isKeyword("include") || keyword.isKeyword("include_if_exists")
    else { return nil }
    guard let text = content(file, name, number, depth, mayMiss: keyword.text == "include_if_exists") else { return [] }
    return lines(of: text, name: file, depth: depth + 1)
  }

  private mutating func content(
    _ file: String, _ name: String, _ number: Int, _ depth: Int, mayMiss: Bool = false
  ) -> String? {
    guard depth < Self.depthMax else {
      problems.append("line \(number) of file \"\(name)\": files include each other more than \(Self.depthMax) deep")
      return nil
    }
    if let text = read(file) { return text }
    if !mayMiss { problems.append("line \(number) of file \"\(name)\": could not open file \"\(file)\"") }
    return nil
  }

  private mutating func fields(of line: String, _ name: String, _ number: Int, _ depth: Int) -> [[HBARule.Word]] {
    var fields: [[HBARule.Word]] = []
    var rest = line[...]
    while true {
      rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "\r" }
      guard let first = rest.first, first != "#" else { return fields }
      var words: [HBARule.Word] = []
      var goesOn = true
      while goesOn {
        let (word, isSeparated) = takeWord(&rest)
        if !word.isQuoted, word.text.hasPrefix("@"), word.text.count > 1 {
          let file = String(word.text.dropFirst())
          if let text = content(file, name, number, depth) {
            for line in lines(of: text, name: file, depth: depth + 1) { words += line.fields.joined() }
          }
        } else {
          words.append(word)
        }
        goesOn = isSeparated
      }
      fields.append(words)
    }
  }

  /// - Returns: the word, and whether a comma followed, so that another one belongs to the same field.
  private func takeWord(_ rest: inout Substring) -> (HBARule.Word, Bool) {
    rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "," }
    var text = ""
    var (isInside, wasQuoted, beganQuoted) = (false, false, rest.first == "\"")
    while let character = rest.first {
      if !isInside, character == "#" || character == " " || character == "\t" || character == "\r" { break }
      rest = rest.dropFirst()
      if character == "\"" {
        // Two quotes in a row inside quotes stand for one.
        if isInside, rest.first == "\"" {
          text.append("\"")
          rest = rest.dropFirst()
        } else {
          isInside.toggle()
          wasQuoted = true
        }
        continue
      }
      if character == ",", !isInside { return (HBARule.Word(text: text, isQuoted: beganQuoted), true) }
      text.append(character)
    }
    beganQuoted = beganQuoted && wasQuoted
    return (HBARule.Word(text: text, isQuoted: beganQuoted), false)
  }
}
