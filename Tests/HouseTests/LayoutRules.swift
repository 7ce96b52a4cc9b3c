/// Rules about lines and files that a formatter does not know or that hold for every language.
extension Rule {
  static let lineLengthMax = 120
  static let fileLinesMax = 500
  static let fileBytesMax = 256 * 1024

  static let layout: [Rule] = [lineLength, whitespace, lastNewline, fileLength, fileSize]

  static let lineLength = Rule("lines of at most \(lineLengthMax) columns") { (file: SourceFile) in
    guard file.language.isCode || file.language == .make || file.language == .markdown else { return [] }
    return file.lines.enumerated().compactMap { index, line in
      guard line.count > lineLengthMax, !isUnbreakable(line, in: file) else { return nil }
      return Violation(file.path, line: index + 1, "\(line.count) columns; break it at \(lineLengthMax)")
    }
  }

  /// A row of a table, or a link, cannot be broken in Markdown.
  private static func isUnbreakable(_ line: String, in file: SourceFile) -> Bool {
    file.language == .markdown && (line.hasPrefix("|") || line.contains("](") || line.contains("://"))
  }

  static let whitespace = Rule("no tabs, no spaces at the end of a line, no carriage returns") { (file: SourceFile) in
    file.lines.enumerated().flatMap { index, line in
      var violations: [Violation] = []
      if line.utf8.contains(UInt8(ascii: "\t")), file.language != .make {
        violations.append(Violation(file.path, line: index + 1, "a tab; indent with spaces"))
      }
      if line.hasSuffix("\r") {
        violations.append(Violation(file.path, line: index + 1, "a carriage return; end lines with a newline alone"))
      } else if line.last?.isWhitespace == true {
        violations.append(Violation(file.path, line: index + 1, "spaces at the end of the line; remove them"))
      }
      return violations
    }
  }

  static let lastNewline = Rule("a newline ends every file") { (file: SourceFile) in
    file.endsWithNewline ? [] : [Violation(file.path, line: file.lines.count, "no newline at the end; add one")]
  }

  static let fileLength = Rule("files of at most \(fileLinesMax) lines") { (file: SourceFile) in
    guard file.language.isCode, file.lines.count > fileLinesMax else { return [] }
    return [
      Violation(file.path, "\(file.lines.count) lines; split it by topic below \(fileLinesMax), better below 400")
    ]
  }

  static let fileSize = Rule("files of at most \(fileBytesMax / 1024) KiB") { (file: SourceFile) in
    guard file.byteCount > fileBytesMax else { return [] }
    return [Violation(file.path, "\(file.byteCount / 1024) KiB; generate large data in the test that needs it")]
  }
}
