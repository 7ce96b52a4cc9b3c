/// A link in a document to another file of the repository, or to a heading.
struct MarkdownLink: Equatable {
  let line: Int
  /// As it is written.
  let destination: String

  var anchor: String? {
    destination.firstIndex(of: "#").map { String(destination[destination.index(after: $0)...]) }
  }

  /// The file that it leads to, relative to the repository; nil when it leads out of it.
  func path(from document: String) -> String? {
    let file = destination.prefix { $0 != "#" }
    if file.isEmpty { return document }
    var parts = file.hasPrefix("/") ? [] : document.split(separator: "/").dropLast()
    for part in file.split(separator: "/") where part != "." {
      if part != ".." {
        parts.append(part)
      } else if parts.popLast() == nil {
        return nil
      }
    }
    return parts.joined(separator: "/")
  }

  /// All of a document's links but those to other sites. Code is not looked at.
  static func links(in document: SourceFile) -> [MarkdownLink] {
    prose(of: document).flatMap { number, line in
      destinations(in: line).filter { !$0.contains("://") && !$0.hasPrefix("mailto:") }
        .map { MarkdownLink(line: number, destination: $0) }
    }
  }

  /// The names that a renderer gives to a document's headings.
  static func anchors(in document: SourceFile) -> Set<String> {
    var anchors: Set<String> = []
    for (_, line) in prose(of: document) where line.hasPrefix("#") {
      let name = line.drop { $0 == "#" }.drop { $0 == " " }.lowercased()
        .filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" }
        .map { $0 == " " ? "-" : String($0) }.joined()
      var candidate = name
      var repetition = 0
      while !anchors.insert(candidate).inserted {
        repetition += 1
        candidate = "\(name)-\(repetition)"
      }
    }
    return anchors
  }

  /// The lines outside of fenced code, with inline code blanked.
  private static func prose(of document: SourceFile) -> [(number: Int, line: String)] {
    var isFenced = false
    return document.lines.enumerated().compactMap { index, line in
      if line.drop(while: { $0 == " " }).hasPrefix("```") {
        isFenced.toggle()
        return nil
      }
      if isFenced { return nil }
      let parts = line.split(separator: "`", omittingEmptySubsequences: false)
      // Headings keep the words of inline code; elsewhere every second part is code.
      guard !line.hasPrefix("#") else { return (index + 1, line.filter { $0 != "`" }) }
      return (index + 1, parts.enumerated().map { $0.isMultiple(of: 2) ? String($1) : "" }.joined())
    }
  }

  /// `[text](destination)` and `[name]: destination`.
  private static func destinations(in line: String) -> [String] {
    var found: [String] = []
    var rest = line[...]
    while let range = rest.firstRange(of: "](") {
      rest = rest[range.upperBound...]
      found.append(String(rest.prefix { $0 != ")" && $0 != " " }))
    }
    if line.hasPrefix("["), let range = line.firstRange(of: "]: ") {
      found.append(String(line[range.upperBound...].prefix { $0 != " " }))
    }
    return found
  }
}
