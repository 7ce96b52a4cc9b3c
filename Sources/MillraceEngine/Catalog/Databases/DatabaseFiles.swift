import MillraceIO

/// The directory of a database, and what is in it besides relations.
struct DatabaseFiles: Sendable {
  private let fileSystem: IOFileSystem
  private let directory: String

  /// - Parameter directory: the cluster's.
  init(_ fileSystem: IOFileSystem, directory: String) { (self.fileSystem, self.directory) = (fileSystem, directory) }

  private func path(_ database: UInt32) -> String {
    database == 0 ? "\(directory)/global" : "\(directory)/base/\(database)"
  }

  /// Makes the directory with its `PG_VERSION`, durably.
  /// - Parameter isRedo: both may be there already.
  func make(_ database: UInt32, isRedo: Bool = false) throws(IOError) {
    let path = path(database)
    if isRedo {
      try fileSystem.makeDirectories(path)
    } else {
      try fileSystem.makeDirectory(path)
    }
    try fileSystem.writeDurably("\(path)/PG_VERSION", Array("\(ClusterLayout.majorVersion)\n".utf8))
    try fileSystem.syncDirectory("\(directory)/base")
  }

  func write(_ map: RelationMap, of database: UInt32) throws(IOError) {
    try fileSystem.writeDurably("\(path(database))/\(RelationMap.fileName)", map.encoded())
  }

  /// The file numbers of relations in the directory; none where there is none.
  func relationNumbers(of database: UInt32) throws(IOError) -> Set<UInt32> {
    guard try fileSystem.exists(path(database)) else { return [] }
    var numbers: Set<UInt32> = []
    for name in try fileSystem.list(path(database)) {
      // A file number, and perhaps a fork or a segment behind it.
      if let number = UInt32(name.prefix { $0 != "_" && $0 != "." }) { numbers.insert(number) }
    }
    return numbers
  }

  /// Removes the directory with all that is left in it.
  func remove(_ database: UInt32) throws(IOError) {
    let path = path(database)
    guard try fileSystem.exists(path) else { return }
    for name in try fileSystem.list(path) { try fileSystem.remove("\(path)/\(name)") }
    try fileSystem.removeDirectory(path)
    try fileSystem.syncDirectory("\(directory)/base")
  }
}
