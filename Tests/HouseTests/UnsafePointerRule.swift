extension Rule {
  static let unsafeList = "Tests/HouseTests/unsafe-files.txt"

  /// Unsafe pointers are where the kernel or shared memory is met; everybody else is given spans.
  static let unsafePointers = Rule("unsafe pointers only in the files that \(unsafeList) names") {
    (repository: Repository) in
    var violations: [Violation] = []
    var listed: Set<String> = []
    for (index, line) in (repository.file(unsafeList)?.lines ?? []).enumerated() where !isCommentOrEmpty(line) {
      let parts = line.split(separator: " ", maxSplits: 1)
      let path = String(parts[0])
      listed.insert(path)
      if parts.count < 2 {
        violations.append(Violation(unsafeList, line: index + 1, "\(path): say after a space why it needs them"))
      }
      if firstUnsafeLine(in: repository.file(path)) == nil {
        violations.append(
          Violation(unsafeList, line: index + 1, "\(path) uses no unsafe pointers (any more); remove this entry"))
      }
    }
    for file in repository.sources where file.language == .swift && !listed.contains(file.path) {
      guard let found = firstUnsafeLine(in: file) else { continue }
      violations.append(
        Violation(
          file.path, line: found.line,
          "`\(found.name)`: use a span or ask a file that owns memory; where neither can be, add the file and its "
            + "reason to \(unsafeList)"))
    }
    return violations
  }

  private static func isCommentOrEmpty(_ line: String) -> Bool { line.isEmpty || line.hasPrefix("#") }

  private static let unsafePrefixes = [
    "UnsafePointer", "UnsafeMutable", "UnsafeRaw", "UnsafeBufferPointer", "OpaquePointer", "Unmanaged", "withUnsafe",
    "unsafeBitCast", "unsafeDowncast",
  ]

  private static func firstUnsafeLine(in file: SourceFile?) -> (line: Int, name: Substring)? {
    for (index, line) in (file?.codeLines ?? []).enumerated()
    where line.contains("nsafe") || line.contains("Pointer")
      || line.contains("Unmanaged")
    {
      if let name = Text.names(in: line).first(where: { name in unsafePrefixes.contains { name.hasPrefix($0) } }) {
        return (index + 1, name)
      }
    }
    return nil
  }
}
