import Glibc
public import MillraceIO

/// What a start does with files that mean nothing after a crash: those of unlogged and of temporary relations
/// (PostgreSQL's reinit.c, and RemovePgTempRelationFiles in fd.c). Before anything else uses the relations.
extension StorageManager {
  /// Removes the files of temporary relations, whose sessions are gone. At every start.
  /// - Throws: ``IOError``.
  public func removeTemporaryRelations() throws(IOError) {
    for directory in try databaseDirectories() {
      for (name, path) in try relationFiles(in: directory) where name.backend != nil {
        try files.fileSystem.remove(path)
      }
    }
  }

  /// Removes all forks of unlogged relations but the one that they will be made from again (UNLOGGED_RELATION_CLEANUP).
  /// Before recovery, whose records may make files of the same names.
  /// - Throws: ``IOError``.
  public func removeUnloggedRelations() throws(IOError) {
    for directory in try databaseDirectories() {
      let present = try relationFiles(in: directory)
      let unlogged = Set(present.filter { $0.name.fork == .initialization }.map(\.name.relNumber))
      for (name, path) in present
      where name.fork != .initialization && name.backend == nil && unlogged.contains(name.relNumber) {
        try files.fileSystem.remove(path)
      }
    }
  }

  /// Makes unlogged relations from their initialization forks, empty, and all of it durable
  /// (UNLOGGED_RELATION_INIT). After recovery, which may have brought such forks.
  /// - Throws: ``IOError``.
  public func resetUnloggedRelations() throws(IOError) {
    for directory in try databaseDirectories() {
      var isChanged = false
      for (name, path) in try relationFiles(in: directory) where name.fork == .initialization && name.backend == nil {
        var main = name
        main.fork = .main
        forget(
          RelationLocator(tablespace: directory.tablespace, database: directory.database, relNumber: name.relNumber))
        let bytes = try files.fileSystem.readAll(path)
        let file = try files.fileSystem.open("\(directory.path)/\(main)", [.write, .create, .truncate])
        defer { file.close() }
        try file.writeWhole(bytes)
        try file.syncWhole()
        isChanged = true
      }
      if isChanged { try files.fileSystem.syncDirectory(directory.path) }
    }
  }

  /// Cuts off what there is of a block at the end of a relation's file: left by somebody who was killed while it grew.
  /// The next one to extend it would write over it, but until then other programs take it for damage. Before recovery.
  /// - Throws: ``IOError``.
  /// - Complexity: opens each file.
  public func trimToWholeBlocks() throws(IOError) {
    for directory in try databaseDirectories() {
      for (_, path) in try relationFiles(in: directory) {
        let file = try files.fileSystem.open(path, [.write])
        defer { file.close() }
        let size = try file.size()
        let rest = size % Int64(PageLayout.blockSize)
        if rest > 0 { try file.truncate(to: size - rest) }
      }
    }
  }

  // MARK: Finding files

  /// Where relations of one database in one tablespace are.
  private struct DatabaseDirectory {
    let path: String
    let tablespace: OID
    let database: OID
  }

  private func databaseDirectories() throws(IOError) -> [DatabaseDirectory] {
    var found: [DatabaseDirectory] = []
    for database in try numbers(in: location(of: "base")) {
      found.append(
        DatabaseDirectory(
          path: location(of: "base/\(database)"), tablespace: RelationLocator.defaultTablespace, database: database))
    }
    for tablespace in try numbers(in: location(of: "pg_tblspc")) {
      let path = location(of: "pg_tblspc/\(tablespace)/\(versionDirectory)")
      for database in try numbers(in: path) {
        found.append(DatabaseDirectory(path: "\(path)/\(database)", tablespace: tablespace, database: database))
      }
    }
    return found
  }

  /// The names in a directory that are numbers; none where there is no such directory.
  private func numbers(in path: String) throws(IOError) -> [OID] {
    do throws(IOError) {
      return try files.fileSystem.list(path).compactMap { RelationFileName.number($0, mayBeZero: false) }
    } catch {
      guard error.errno == ENOENT else { throw error }
      return []
    }
  }

  private func relationFiles(
    in directory: DatabaseDirectory
  ) throws(IOError) -> [(name: RelationFileName, path: String)] {
    try files.fileSystem.list(directory.path).compactMap { text in
      RelationFileName(text).map { ($0, "\(directory.path)/\(text)") }
    }
  }
}
