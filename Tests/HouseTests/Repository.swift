import Foundation

/// The files that belong to the project. The rules' own tests make small ones by hand.
struct Repository: Sendable {
  /// By path.
  let files: [SourceFile]
  private let paths: Set<String>

  init(_ files: [SourceFile]) {
    self.files = files.sorted { $0.path < $1.path }
    paths = Set(files.map(\.path))
  }

  /// The folder that this test was compiled from.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Everything in the working tree that `.gitignore` does not name. Read once.
  static let current: Result<Repository, any Error> = Result { try Repository(readingFrom: root) }

  init(readingFrom root: URL) throws {
    let ignored = try String(contentsOf: root.appending(path: ".gitignore"), encoding: .utf8)
      .split(separator: "\n").map { $0.hasSuffix("/") ? String($0.dropLast()) : String($0) }
    var files: [SourceFile] = []
    try Self.collect(from: root, prefix: "", ignored: ignored + [".git"], into: &files)
    self.init(files)
  }

  private static func collect(
    from folder: URL, prefix: String, ignored: [String], into files: inout [SourceFile]
  ) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      if ignored.contains(where: { fnmatch($0, name, 0) == 0 }) { continue }
      let url = folder.appending(path: name)
      let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
      switch attributes[.type] as? FileAttributeType {
      case .typeDirectory:
        try collect(from: url, prefix: prefix + name + "/", ignored: ignored, into: &files)
      case .typeRegular:
        let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
        files.append(SourceFile(path: prefix + name, data: try Data(contentsOf: url), isExecutable: mode & 0o111 != 0))
      default: break
      }
    }
  }

  var swiftFiles: [SourceFile] { files.filter { $0.language == .swift } }
  var sources: [SourceFile] { files.filter(\.isInSources) }
  var documents: [SourceFile] { files.filter { $0.language == .markdown } }

  func file(_ path: String) -> SourceFile? { paths.contains(path) ? files.first { $0.path == path } : nil }

  /// Is there a file or a folder of this name?
  func has(_ path: String) -> Bool { paths.contains(path) || files.contains { $0.path.hasPrefix(path + "/") } }
}
