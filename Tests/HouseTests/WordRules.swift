/// Rules about words in comments, prose and scripts.
extension Rule {
  /// What switches the compiler's checks off says why that is right.
  static let reasonsForUnchecked = Rule("@unchecked Sendable and nonisolated(unsafe) say why they are safe") {
    (file: SourceFile) in
    guard file.language == .swift else { return [] }
    return file.codeLines.enumerated().compactMap { index, line in
      guard line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") else { return nil }
      if commentsAround(index, in: file).contains(where: { $0.contains("// Safe because ") }) { return nil }
      return Violation(file.path, line: index + 1, "say why, with a comment `// Safe because …` here, above or below")
    }
  }

  /// The comment on a line, and those in the lines right above and right below that are nothing but comment.
  private static func commentsAround(_ index: Int, in file: SourceFile) -> [String] {
    let isComment = { (at: Int) in
      file.commentLines[at].contains("//") && file.codeLines[at].allSatisfy(\.isWhitespace)
    }
    let above = file.lines.indices[..<index].reversed().prefix(while: isComment)
    let below = file.lines.indices[(index + 1)...].prefix(while: isComment)
    return ([index] + above + below).map { file.commentLines[$0] }
  }

  /// An open end is finished now, or it is an issue; the code does not carry it around.
  static let noMarkers = Rule("no markers for work left undone") { (file: SourceFile) in
    file.commentLines.enumerated().flatMap { index, line in
      ["TODO", "FIXME", "XXX"].filter { Text.find($0, in: line) }.map { marker in
        Violation(file.path, line: index + 1, "\(marker): do it now, or open an issue and say the limit in a sentence")
      }
    }
  }

  /// Names of package registries, and of the machine that somebody happened to work on.
  static let noWorkplace = Rule("no registry hosts and no paths of one machine") { (file: SourceFile) in
    file.lines.enumerated().flatMap { index, line in
      hosts.filter { line.contains($0) }.map { host in
        Violation(file.path, line: index + 1, "\(host): name the package; the package manager knows where it is")
      }
        + workplaces.filter { line.contains($0) && !Text.isInsideLongerPath($0, in: line) }.map { place in
          Violation(file.path, line: index + 1, "\(place): write a path that exists on everybody's machine")
        }
    }
  }

  // Put together from parts, so that this file does not contain them.
  private static let hosts = [
    ["pypi", "org"], ["pythonhosted", "org"], ["deb", "debian", "org"], ["npmjs", "org"], ["npmjs", "com"],
    ["crates", "io"], ["docker", "io"], ["ghcr", "io"], ["proxy", "golang", "org"], ["rubygems", "org"],
  ].map { $0.joined(separator: ".") }
  private static let workplaces = [["", "work", ""], ["", "root", ""]].map { $0.joined(separator: "/") }

  static let installer = "scripts/install-test-dependencies.sh"

  static let onlyOneFileNamesPackages = Rule("only \(installer) installs packages") { (file: SourceFile) in
    guard file.path != installer else { return [] }
    return file.lines.enumerated().flatMap { index, line in
      installCommands.filter { line.contains($0) }.map { command in
        Violation(file.path, line: index + 1, "`\(command)`: put the package into \(installer)")
      }
    }
  }

  private static let installCommands =
    ["apt-get", "apt", "dnf", "yum", "brew", "pip", "pip3", "npm"].map { $0 + " " + "install" }
}

extension Text {
  /// Is every `place` in the line only the middle of a longer path, as in `home/work/`?
  static func isInsideLongerPath(_ place: String, in line: String) -> Bool {
    var rest = line[...]
    while let range = rest.firstRange(of: place) {
      let before = line[..<range.lowerBound].utf8.last
      if before.map({ isNameByte($0) || "./})*-~".utf8.contains($0) }) != true { return false }
      rest = line[range.upperBound...]
    }
    return true
  }
}
