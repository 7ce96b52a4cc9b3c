import Glibc

/// The names of a simulated disk: as everybody sees them, and as they would survive.
struct SimulatedNames {
  typealias Entry = SimulatedNameTable.Entry

  private enum Change {
    case link(String, Entry)
    case unlink(String)
    case rename(String, String)

    func touches(_ directory: Substring) -> Bool {
      switch self {
      case .link(let path, _), .unlink(let path): SimulatedNames.directory(of: path) == directory
      case .rename(let path, let newPath):
        SimulatedNames.directory(of: path) == directory || SimulatedNames.directory(of: newPath) == directory
      }
    }
  }

  /// Whether a directory has to be made before something can be in it.
  var requiresDirectories = false
  private var current = SimulatedNameTable()
  private var durable = SimulatedNameTable()
  private var unsynced: [Change] = []

  // MARK: Looking

  /// The file of that name.
  subscript(path: String) -> SimulatedNode? {
    if case .file(let node) = current[path] { node } else { nil }
  }

  /// All files, with their names, in no particular order: what is drawn from a seed must not follow it.
  var files: [(path: String, node: SimulatedNode)] { current.files }

  /// Whether there is a directory of that name: the root, one that was made, or one that something is in.
  func isDirectory(_ path: String) -> Bool {
    if Self.isRoot(path) { return true }
    if case .directory = current[path] { return true }
    return !requiresDirectories && isOccupied(path)
  }

  private func isOccupied(_ directory: String) -> Bool { current.isOccupied(directory) }

  /// Whether something may be put into a directory.
  private func canHold(_ path: String) -> Bool { !requiresDirectories || isDirectory(String(Self.directory(of: path))) }

  /// The names in a directory, in no particular order.
  func children(of directory: String) -> [String] { current.children(of: Self.isRoot(directory) ? "" : directory) }

  private static func isRoot(_ path: some StringProtocol) -> Bool { path.isEmpty || path == "." || path == "/" }

  /// What stands before the last slash; empty for the root.
  private static func directory(of path: String) -> Substring {
    path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
  }

  // MARK: Changing; each gives the error number of what cannot be done

  /// Makes a file, where there is nothing of that name.
  mutating func link(_ path: String, _ node: SimulatedNode) -> Int32? {
    guard canHold(path) else { return ENOENT }
    make(.link(path, .file(node)))
    return nil
  }

  mutating func makeDirectory(_ path: String) -> Int32? {
    if self[path] != nil || isDirectory(path) { return EEXIST }
    guard canHold(path) else { return ENOENT }
    make(.link(path, .directory))
    return nil
  }

  mutating func removeDirectory(_ path: String) -> Int32? {
    if self[path] != nil { return ENOTDIR }
    guard isDirectory(path) else { return ENOENT }
    guard !isOccupied(path) else { return ENOTEMPTY }
    make(.unlink(path))
    return nil
  }

  /// - Returns: what had the name.
  mutating func unlink(_ path: String) -> Result<SimulatedNode, SystemFailure> {
    guard let node = self[path] else { return .failure(SystemFailure(errno: isDirectory(path) ? EISDIR : ENOENT)) }
    make(.unlink(path))
    node.isLinked = false
    return .success(node)
  }

  /// - Returns: the file that had the new name.
  mutating func rename(_ path: String, to newPath: String) -> Result<SimulatedNode?, SystemFailure> {
    let isDirectory = self[path] == nil
    guard !isDirectory || self.isDirectory(path), canHold(newPath) else {
      return .failure(SystemFailure(errno: ENOENT))
    }
    if path == newPath { return .success(nil) }
    if self.isDirectory(newPath) { return .failure(SystemFailure(errno: isDirectory ? ENOTEMPTY : EISDIR)) }
    let replaced = self[newPath]
    if isDirectory, replaced != nil { return .failure(SystemFailure(errno: ENOTDIR)) }
    make(.rename(path, newPath))
    replaced?.isLinked = false
    return .success(replaced)
  }

  private mutating func make(_ change: Change) {
    Self.apply(change, to: &current)
    unsynced.append(change)
  }

  private static func apply(_ change: Change, to names: inout SimulatedNameTable) {
    switch change {
    case .link(let path, let entry): names[path] = entry
    case .unlink(let path): names[path] = nil
    case .rename(let path, let newPath):
      if case .file = names[path] { return names.move(path, to: newPath) }
      for key in names.paths where key == path || key.hasPrefix("\(path)/") {
        names.move(key, to: newPath + key.dropFirst(path.count))
      }
    }
  }

  // MARK: Durability

  /// Makes changes survive up to the last one in a directory.
  mutating func sync(_ directory: String) -> Int32? {
    if requiresDirectories, !isDirectory(directory) { return self[directory] == nil ? ENOENT : nil }
    let directory = Self.isRoot(directory) ? "" : directory[...]
    guard let last = unsynced.lastIndex(where: { $0.touches(directory) }) else { return nil }
    settle(last + 1)
    return nil
  }

  private mutating func settle(_ count: Int) {
    for change in unsynced[..<count] { Self.apply(change, to: &durable) }
    unsynced.removeFirst(count)
  }

  /// Becomes what a crash leaves.
  /// - Parameter surviving: how many of so many changes survive.
  mutating func crash(surviving: (Int) -> Int) {
    settle(surviving(unsynced.count))
    unsynced = []
    current = durable
    for file in files { file.node.isLinked = true }
  }
}
