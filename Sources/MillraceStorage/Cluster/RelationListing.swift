/// The files of a cluster's relations.
public struct RelationListing: Sendable {
  /// Every fork, ordered by tablespace, database, file number and fork.
  public internal(set) var forks: [RelationFork] = []
  /// What is wrong with the files, without having read them.
  public internal(set) var anomalies: [ClusterAnomaly] = []
  /// Entries, relative to the data directory, where only relations belong, but which are neither a relation's files nor
  /// any that PostgreSQL keeps there. They are not looked into.
  public internal(set) var unrecognized: [String] = []

  /// How many whole pages all files hold: what `pg_checksums` reports as "Blocks scanned".
  public var storedBlockCount: UInt64 {
    forks.reduce(0) { $0 + $1.storedBlockCount }
  }
}

extension DataDirectory {
  /// Lists the files of all relations, by looking at directories only.
  ///
  /// The pages in these files are the pages that PostgreSQL's `pg_checksums` looks at (src/bin/pg_checksums): all forks
  /// of all relations in `global`, `base` and the tablespaces, those of temporary relations included. Left out are the
  /// cluster's other files (`pg_control`, `pg_filenode.map`, `pg_internal.init`, `PG_VERSION`), temporary files
  /// (`pgsql_tmp…`), and names that start with a dot. While a server runs, files come and go; this is one look.
  ///
  /// Costs one `stat` a file. Throws if a directory cannot be read.
  public func relations() throws(ClusterError) -> RelationListing {
    try relations { _ in true }
  }

  /// Lists the files of one relation, or of one fork of it. Looks into one directory only.
  public func relations(in selection: RelationSelection) throws(ClusterError) -> RelationListing {
    var walk = RelationWalk(directory: self) { selection.contains($0) }
    let locator = selection.locator
    let example = RelationPath(locator).formatted(versionDirectory: versionDirectory)
    let parent = String(example[..<(example.lastIndex(of: "/") ?? example.endIndex)])
    try walk.visitDatabase(parent, tablespace: locator.tablespace, database: locator.database)
    return walk.finish()
  }

  func relations(matching: @escaping (RelationFileName) -> Bool) throws(ClusterError) -> RelationListing {
    var walk = RelationWalk(directory: self, matching: matching)
    try walk.visitDatabase("global", tablespace: RelationLocator.globalTablespace, database: 0)
    try walk.visitTablespace("base", RelationLocator.defaultTablespace)
    try walk.visitTablespaces()
    return walk.finish()
  }

  /// The OIDs of the tablespaces other than the two that every cluster has, by rising number.
  public func tablespaces() throws(ClusterError) -> [OID] {
    try entries(of: "pg_tblspc")
      .compactMap { RelationFileName.number($0.name, mayBeZero: false) }
      .sorted()
  }
}

extension DataDirectory {
  /// The entries of a directory that must be there.
  fileprivate func entries(of relative: String) throws(ClusterError) -> [DirectoryEntry] {
    let path = absolutePath(relative)
    guard let entries = try MetadataFiles.entries(of: path) else { throw .missing(path: path) }
    return entries
  }
}

/// One pass over the directories that hold relations.
private struct RelationWalk {
  private struct Fork: Hashable {
    var backend: UInt32?
    var relNumber: OID
    var fork: ForkNumber
  }

  let directory: DataDirectory
  let matching: (RelationFileName) -> Bool
  private var listing = RelationListing()

  init(directory: DataDirectory, matching: @escaping (RelationFileName) -> Bool) {
    self.directory = directory
    self.matching = matching
  }

  mutating func visitTablespaces() throws(ClusterError) {
    for entry in try directory.entries(of: "pg_tblspc") {
      guard !Self.isIgnored(entry.name) else { continue }
      let place = "pg_tblspc/\(entry.name)"
      guard let tablespace = RelationFileName.number(entry.name, mayBeZero: false), entry.kind != .regular else {
        listing.unrecognized.append(place)
        continue
      }
      // The tablespace is a symbolic link to a directory, or, "in place", a directory. Other versions of PostgreSQL may
      // have directories in it, too.
      let path = "\(place)/\(directory.versionDirectory)"
      guard try MetadataFiles.kind(directory.absolutePath(path)) == .directory else {
        listing.anomalies.append(.tablespaceMissing(tablespace: tablespace, path: path))
        continue
      }
      try visitTablespace(path, tablespace)
    }
  }

  /// Visits a directory that has one directory a database.
  mutating func visitTablespace(_ path: String, _ tablespace: OID) throws(ClusterError) {
    for entry in try directory.entries(of: path) {
      guard !Self.isIgnored(entry.name) else { continue }
      let place = "\(path)/\(entry.name)"
      guard let database = RelationFileName.number(entry.name, mayBeZero: false), entry.kind == .directory else {
        listing.unrecognized.append(place)
        continue
      }
      try visitDatabase(place, tablespace: tablespace, database: database)
    }
  }

  /// Visits a directory that holds the files of relations.
  mutating func visitDatabase(_ place: String, tablespace: OID, database: OID) throws(ClusterError) {
    var names: [String: RelationFileName] = [:]
    var unrecognized: [String] = []
    let path = directory.absolutePath(place)
    // A database that is dropped meanwhile takes its directory along.
    let entries = try MetadataFiles.entries(of: path) { name in
      guard !Self.isIgnored(name) else { return false }
      guard let file = RelationFileName(name), isPossible(file.segment) else {
        unrecognized.append(name)
        return false
      }
      names[name] = file
      return matching(file)
    }

    var forks: [Fork: [RelationSegment]] = [:]
    for entry in entries ?? [] {
      guard let name = names[entry.name], entry.kind == .regular else {
        unrecognized.append(entry.name)
        continue
      }
      let fork = Fork(backend: name.backend, relNumber: name.relNumber, fork: name.fork)
      forks[fork, default: []].append(RelationSegment(number: name.segment, length: entry.length))
    }
    for (fork, segments) in forks {
      add(fork, segments, in: place, tablespace: tablespace, database: database)
    }
    listing.unrecognized += unrecognized.map { "\(place)/\($0)" }
  }

  private mutating func add(
    _ fork: Fork, _ segments: [RelationSegment], in place: String, tablespace: OID, database: OID
  ) {
    let name = RelationFileName(backend: fork.backend, relNumber: fork.relNumber, fork: fork.fork)
    let fork = RelationFork(
      locator: RelationLocator(tablespace: tablespace, database: database, relNumber: fork.relNumber),
      backend: fork.backend, fork: fork.fork, path: "\(place)/\(name)",
      segments: segments.sorted { $0.number < $1.number }, segmentBlocks: directory.controlFile.segmentBlocks)
    listing.forks.append(fork)
    listing.anomalies += fork.anomalies
  }

  consuming func finish() -> RelationListing {
    var listing = listing
    listing.forks.sort { left, right in
      if left.locator != right.locator { return left.locator < right.locator }
      return (left.backend.map { Int64($0) } ?? -1, left.fork) < (right.backend.map { Int64($0) } ?? -1, right.fork)
    }
    listing.anomalies.sort { $0.path < $1.path }
    listing.unrecognized.sort()
    return listing
  }

  /// Whether block numbers reach as far as that segment.
  private func isPossible(_ segment: UInt32) -> Bool {
    UInt64(segment) * UInt64(directory.controlFile.segmentBlocks) <= UInt64(BlockNumber.max.rawValue)
  }

  /// Whether PostgreSQL keeps something other than pages under that name.
  private static func isIgnored(_ name: String) -> Bool {
    name.hasPrefix(".")
      || name.hasPrefix("pgsql_tmp")
      || name.hasPrefix("pg_internal.init")
      || name.hasPrefix("config_exec_params")
      || name == "pg_control"
      || name == "pg_filenode.map"
      || name == "PG_VERSION"
  }
}
