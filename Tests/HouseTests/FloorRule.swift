/// The floors of the house: what each target may import. A target imports only floors below its own.
enum Floor {
  struct Target: Sendable {
    let floor: Int
    /// Targets of the same floor that it stands beside and may import.
    var beside: Set<String> = []
    /// Modules of other packages, and Foundation where it is wanted.
    var others: Set<String> = []
  }

  static let targets: [String: Target] = [
    "CMillrace": Target(floor: 0),
    "CMillraceSockets": Target(floor: 0),
    "CPostgresCatalog": Target(floor: 0),
    "MillraceSettings": Target(floor: 0),
    "MillraceIO": Target(floor: 1, others: ["Logging", "Histogram"]),
    "MillraceSimulation": Target(floor: 1, beside: ["MillraceIO"]),
    "MillraceTypes": Target(floor: 1),
    "MillraceStorage": Target(floor: 2),
    "MillraceWAL": Target(floor: 3),
    "MillraceEngine": Target(floor: 4),
    "CPostgresParser": Target(floor: 0),
    "MillraceSQL": Target(floor: 5),
    "Millrace": Target(floor: 6, others: ["Foundation", "FoundationEssentials"]),
    "MillraceServer": Target(
      floor: 6, others: ["Crypto", "Logging", "NIOCore", "NIOPosix", "NIOSSL", "NIOTLS", "ServiceLifecycle"]),
    "MillraceCommand": Target(
      floor: 7,
      others: [
        "Foundation", "ArgumentParser", "Logging", "Histogram", "TextTable", "ServiceLifecycle", "UnixSignals",
      ]),
    "MillraceCounts": Target(floor: 7, others: ["Foundation", "ArgumentParser"]),
  ]

  /// Only tests and tools import the simulation: what is shipped above must not depend on it.
  static let onlyForTests: Set<String> = ["MillraceSimulation"]

  /// What the toolchain brings and every floor may use.
  static let systemModules: Set<String> = [
    "Swift", "Synchronization", "_Concurrency", "Glibc", "Musl", "Darwin", "Bionic", "Android", "WinSDK", "CRT", "ucrt",
  ]

  /// Why `target` may not import `module`; nil when it may.
  static func objection(to module: String, in target: String) -> String? {
    guard let own = targets[target] else {
      return "the target \(target) has no floor yet; give it one in Tests/HouseTests/FloorRule.swift"
    }
    if systemModules.contains(module) || own.others.contains(module) || own.beside.contains(module) { return nil }
    if module == "Foundation" { return "a library does without Foundation; use Glibc, guarded by `#if canImport`" }
    guard let imported = targets[module] else {
      return "\(target) does not use \(module); if it shall, say so in Tests/HouseTests/FloorRule.swift"
    }
    if onlyForTests.contains(module) { return "\(module) is for tests and tools" }
    if imported.floor < own.floor { return nil }
    return "\(target) is on floor \(own.floor) and \(module) on floor \(imported.floor); imports go down only"
  }

  /// The module that an import line names: `@_exported public import struct Glibc.stat` names Glibc.
  static func importedModule(in line: String) -> String? {
    let words = line.split(separator: " ")
    guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count,
      words[..<keyword].allSatisfy({ modifiers.contains(String($0)) || $0.hasPrefix("@") })
    else { return nil }
    let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    let named = kinds.contains(words[keyword + 1]) ? words.dropFirst(keyword + 2).first : words[keyword + 1]
    return named?.split(separator: ".").first.map(String.init)
  }

  private static let modifiers: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
}

extension Rule {
  static let floors = Rule("imports go down the floors only") { (file: SourceFile) in
    guard file.isInSources, file.language == .swift, let target = file.target else { return [] }
    return file.codeLines.enumerated().compactMap { index, line in
      guard let module = Floor.importedModule(in: line), let objection = Floor.objection(to: module, in: target)
      else { return nil }
      return Violation(file.path, line: index + 1, "import \(module): \(objection)")
    }
  }
}
