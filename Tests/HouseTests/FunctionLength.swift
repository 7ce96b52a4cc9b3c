extension Rule {
  static let functionLinesMax = 70

  static let shortFunctions = Rule("functions of at most \(functionLinesMax) lines") { (file: SourceFile) in
    guard file.language == .swift || file.language == .c else { return [] }
    let scanner = FunctionScanner(file.codeLines)
    let functions = file.language == .swift ? scanner.swiftFunctions() : scanner.cFunctions()
    return functions.filter { $0.lineCount > functionLinesMax }.map { function in
      Violation(
        file.path, line: function.firstLine,
        "\(function.name) has \(function.lineCount) lines; give a part of it a name of its own (at most "
          + "\(functionLinesMax))")
    }
  }
}

/// Finds where functions begin and end, by names, parentheses and braces alone.
struct FunctionScanner {
  struct Function: Equatable {
    let name: String
    /// From 1, as is the last.
    let firstLine: Int
    let lastLine: Int
    var lineCount: Int { lastLine - firstLine + 1 }
  }

  private struct Token {
    /// A name, or one other character that is not white space.
    let text: Substring
    let line: Int
  }

  private let tokens: [Token]

  /// - Parameter codeLines: Without comments and strings, in which braces would mean nothing.
  init(_ codeLines: [String]) {
    tokens = codeLines.enumerated().flatMap { Self.tokens(of: $1, line: $0 + 1) }
  }

  private static func tokens(of line: String, line number: Int) -> [Token] {
    var tokens: [Token] = []
    let bytes = line.utf8
    var at = bytes.startIndex
    while at < bytes.endIndex {
      let next = bytes.index(after: at)
      if Text.isNameByte(bytes[at]) {
        let end = bytes[at...].firstIndex { !Text.isNameByte($0) } ?? bytes.endIndex
        tokens.append(Token(text: line[at..<end], line: number))
        at = end
      } else {
        if bytes[at] != UInt8(ascii: " ") { tokens.append(Token(text: line[at..<next], line: number)) }
        at = next
      }
    }
    return tokens
  }

  func swiftFunctions() -> [Function] {
    tokens.indices.compactMap { index in
      switch tokens[index].text {
      case "func" where index + 1 < tokens.count:
        return function(named: String(tokens[index + 1].text), from: index)
      case "init", "deinit", "subscript":
        // Not a call, as in `self.init(`.
        if index > 0, tokens[index - 1].text == "." { return nil }
        return function(named: String(tokens[index].text), from: index)
      case "var" where index + 2 < tokens.count && tokens[index + 2].text == ":":
        return function(named: String(tokens[index + 1].text), from: index)
      default: return nil
      }
    }
  }

  /// A declaration with a body. One without, as in a protocol, ends before a brace is met.
  private func function(named name: String, from start: Int) -> Function? {
    var depth = 0
    for index in tokens.indices[(start + 1)...] {
      switch tokens[index].text {
      case "(", "[": depth += 1
      case ")", "]": depth -= 1
      case "{" where depth == 0:
        return Function(name: name, firstLine: tokens[start].line, lastLine: endOfBlock(from: index))
      case "}" where depth == 0: return nil
      case "func", "var", "let", "case", "init", "deinit", "subscript", "struct", "enum", "class", "extension":
        // The next declaration.
        if depth == 0 { return nil }
      case "=" where depth == 0 && tokens[start].text == "var":
        // A stored property's value.
        return nil
      default: break
      }
      if depth < 0 { return nil }
    }
    return nil
  }

  func cFunctions() -> [Function] {
    var functions: [Function] = []
    var index = 0
    while index < tokens.count {
      guard tokens[index].text == "{" else {
        index += 1
        continue
      }
      let last = endOfBlock(from: index)
      if index > 0, tokens[index - 1].text == ")" {
        let start = startOfSignature(before: index)
        functions.append(Function(name: start.name, firstLine: start.line, lastLine: last))
      }
      while index < tokens.count, tokens[index].line < last { index += 1 }
      index += 1
    }
    return functions
  }

  /// The name before the parentheses that a C function's body follows, and its line.
  private func startOfSignature(before body: Int) -> (name: String, line: Int) {
    var depth = 0
    for index in tokens.indices[..<body].reversed() {
      if tokens[index].text == ")" { depth += 1 }
      if tokens[index].text == "(" { depth -= 1 }
      if depth == 0, index > 0 { return (String(tokens[index - 1].text), tokens[index - 1].line) }
    }
    return ("function", tokens[body].line)
  }

  private func endOfBlock(from brace: Int) -> Int {
    var depth = 0
    for index in tokens.indices[brace...] {
      if tokens[index].text == "{" { depth += 1 }
      if tokens[index].text == "}" { depth -= 1 }
      if depth == 0 { return tokens[index].line }
    }
    return tokens.last?.line ?? 0
  }
}
