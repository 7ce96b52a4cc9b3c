/// Which relation, or which fork of it, somebody asked for.
public struct RelationSelection: Sendable, Hashable {
  public let locator: RelationLocator
  /// The backend whose temporary relation it is; `nil` for every other relation.
  public let backend: UInt32?
  /// The fork that was asked for; `nil` for the whole relation.
  public let fork: ForkNumber?

  public init(_ locator: RelationLocator, backend: UInt32? = nil, fork: ForkNumber? = nil) {
    self.locator = locator
    self.backend = backend
    self.fork = fork
  }

  func contains(_ name: RelationFileName) -> Bool {
    name.relNumber == locator.relNumber && name.backend == backend && (fork == nil || name.fork == fork)
  }
}

extension DataDirectory {
  /// Finds the relation that a user's text means.
  ///
  /// The text can be:
  /// - a file number, `16384`, which is looked for in all databases;
  /// - the path of one of the relation's files, relative to the data directory, as `pg_relation_filepath()` gives it,
  ///   or absolute. A segment's number makes no difference; the suffix of a fork selects that fork alone.
  ///
  /// - Throws: `ClusterError` if the text means no relation, more than one, or one that has no file.
  public func selection(for text: String) throws(ClusterError) -> RelationSelection {
    if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      return try selection(forFileNumber: text)
    }
    let relative = text.hasPrefix("/") ? try relativePath(text) : text
    let simplified = relative.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    guard let path = RelationPath(parsing: simplified, versionDirectory: versionDirectory) else {
      throw .notARelation(text)
    }
    let selection = RelationSelection(path.locator, backend: path.backend, fork: path.fork == .main ? nil : path.fork)
    guard try !relations(in: selection).forks.isEmpty else {
      throw .relationMissing(text, dataDirectory: self.path)
    }
    return selection
  }

  private func selection(forFileNumber text: String) throws(ClusterError) -> RelationSelection {
    guard let number = RelationFileName.number(text, mayBeZero: false) else { throw .notARelation(text) }
    let found = try relations { $0.relNumber == number && $0.backend == nil }
    let locators = Set(found.forks.map(\.locator)).sorted()
    guard let locator = locators.first else { throw .relationMissing(text, dataDirectory: path) }
    guard locators.count == 1 else {
      let candidates = locators.map { RelationPath($0).formatted(versionDirectory: versionDirectory) }
      throw .ambiguousRelation(fileNumber: number, candidates: candidates)
    }
    return RelationSelection(locator)
  }

  /// An absolute path as one that is relative to the data directory, which it may enter through symbolic links or
  /// through the place where a tablespace really is.
  private func relativePath(_ absolute: String) throws(ClusterError) -> String {
    if let relative = absolute.below(path), !relative.split(separator: "/").contains("..") { return relative }
    guard let slash = absolute.lastIndex(of: "/") else {
      throw .outsideDataDirectory(path: absolute, dataDirectory: path)
    }
    // The file itself may be gone, or be a segment that never was; its directory must be there.
    let parent = absolute[..<slash].isEmpty ? "/" : String(absolute[..<slash])
    guard let directory = MetadataFiles.resolved(parent) else {
      throw .outsideDataDirectory(path: absolute, dataDirectory: path)
    }
    let resolved = directory + absolute[slash...]
    if let own = MetadataFiles.resolved(path), let relative = resolved.below(own) { return relative }
    for tablespace in try tablespaces() {
      let place = "pg_tblspc/\(tablespace)"
      if let target = MetadataFiles.resolved(absolutePath(place)), let relative = resolved.below(target) {
        return "\(place)/\(relative)"
      }
    }
    throw .outsideDataDirectory(path: absolute, dataDirectory: path)
  }
}

extension String {
  /// The rest of a path behind a directory; `nil` if the path does not lead into it.
  fileprivate func below(_ directory: String) -> String? {
    let prefix = directory.utf8.last == UInt8(ascii: "/") ? directory : directory + "/"
    guard utf8.starts(with: prefix.utf8) else { return nil }
    return String(decoding: utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
  }
}
