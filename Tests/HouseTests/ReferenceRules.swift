/// Rules about what refers to what: links, dead files, permissions.
extension Rule {
  static let references: [Rule] = [links, reachableDocuments, usedTypes, permissions]

  static let links = Rule("links between documents lead somewhere") { (repository: Repository) in
    repository.documents.flatMap { document in
      MarkdownLink.links(in: document).compactMap { link in
        guard let problem = problem(of: link, in: document, repository) else { return nil }
        return Violation(document.path, line: link.line, "link to \(link.destination): \(problem)")
      }
    }
  }

  private static func problem(of link: MarkdownLink, in document: SourceFile, _ repository: Repository) -> String? {
    guard let path = link.path(from: document.path) else { return "it leads out of the repository" }
    guard path.isEmpty || repository.has(path) else { return "there is no \(path)" }
    guard let anchor = link.anchor, let target = repository.file(path) else { return nil }
    return MarkdownLink.anchors(in: target).contains(anchor) ? nil : "\(path) has no heading for #\(anchor)"
  }

  /// A document that no reader is led to might as well not exist.
  static let reachableDocuments = Rule("the README leads to every document below docs") { (repository: Repository) in
    guard let readme = repository.file("README.md") else { return [] }
    var reached: Set<String> = []
    var pending = [readme]
    while let document = pending.popLast() {
      guard reached.insert(document.path).inserted else { continue }
      pending += MarkdownLink.links(in: document)
        .compactMap { $0.path(from: document.path).flatMap(repository.file) }.filter { $0.language == .markdown }
    }
    return repository.documents.filter { $0.path.hasPrefix("docs/") && !reached.contains($0.path) }.map {
      Violation($0.path, "no way leads here from README.md; link it, for example from docs/architecture.md")
    }
  }

  /// `Sources/…/Type.swift` that declares `Type`, which no other file mentions.
  static let usedTypes = Rule("every type that a file is named after is used in another file") {
    (repository: Repository) in
    var mentions: [Substring: Set<String>] = [:]
    for file in repository.swiftFiles {
      for name in Set(file.codeLines.flatMap(Text.names)) { mentions[name, default: []].insert(file.path) }
    }
    return repository.swiftFiles.filter { $0.isInSources }.compactMap { file in
      guard let type = typeNamedByFile(file), !file.codeLines.contains(where: { $0.hasPrefix("@main") }) else {
        return nil
      }
      guard mentions[type, default: []].subtracting([file.path]).isEmpty else { return nil }
      return Violation(file.path, "nothing else mentions \(type); remove the file, or test it")
    }
  }

  private static func typeNamedByFile(_ file: SourceFile) -> Substring? {
    guard let name = file.path.split(separator: "/").last?.dropLast(".swift".count), !name.contains("+") else {
      return nil
    }
    let keywords: Set<Substring> = ["struct", "class", "enum", "protocol", "actor", "typealias"]
    let isDeclared = file.codeLines.contains { line in
      let names = Text.names(in: line)
      return zip(names, names.dropFirst()).contains { keywords.contains($0) && $1 == name }
    }
    return isDeclared ? name : nil
  }

  static let permissions = Rule("scripts can be executed, and nothing else") { (file: SourceFile) in
    let isScript = file.lines.first?.hasPrefix("#!") ?? false
    switch (isScript, file.isExecutable) {
    case (true, false): return [Violation(file.path, line: 1, "a script without permission to execute; chmod +x")]
    case (false, true): return [Violation(file.path, "executable but not a script; chmod -x, or begin it with #!")]
    default: return []
    }
  }
}
