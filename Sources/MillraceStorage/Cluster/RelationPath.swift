/// A file of a relation, and the path that PostgreSQL gives it (src/common/relpath.c), relative to the data directory.
///
/// ```text
/// base/5/16384                                    in the default tablespace
/// base/5/16384_fsm.1                              the second segment of a fork
/// base/5/t3_16384                                 a temporary relation of backend 3
/// global/1260                                     shared by all databases
/// pg_tblspc/16400/PG_15_202209061/5/16384_vm      in another tablespace
/// ```
public struct RelationPath: Sendable, Hashable {
  public var locator: RelationLocator
  /// The backend whose temporary relation this is; `nil` for every other relation.
  public var backend: UInt32?
  public var fork: ForkNumber
  /// Which part of the fork the file holds, counted from zero.
  public var segment: UInt32

  public init(_ locator: RelationLocator, backend: UInt32? = nil, fork: ForkNumber = .main, segment: UInt32 = 0) {
    self.locator = locator
    self.backend = backend
    self.fork = fork
    self.segment = segment
  }

  /// Reads a path; `nil` if it is not one that PostgreSQL gives to a relation's file.
  ///
  /// - Parameter versionDirectory: `DataDirectory.versionDirectory`: files of other versions are not this cluster's.
  public init?(parsing path: some StringProtocol, versionDirectory: String) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard let last = parts.last, let name = RelationFileName(last) else { return nil }
    func number(_ index: Int) -> OID? { RelationFileName.number(parts[index], mayBeZero: false) }

    switch (parts.first, parts.count) {
    case ("global", 2):
      locator = RelationLocator(
        tablespace: RelationLocator.globalTablespace, database: 0, relNumber: name.relNumber)
    case ("base", 3):
      guard let database = number(1) else { return nil }
      locator = RelationLocator(
        tablespace: RelationLocator.defaultTablespace, database: database, relNumber: name.relNumber)
    case ("pg_tblspc", 5):
      guard let tablespace = number(1), parts[2] == versionDirectory, let database = number(3) else { return nil }
      locator = RelationLocator(tablespace: tablespace, database: database, relNumber: name.relNumber)
    default:
      return nil
    }
    backend = name.backend
    fork = name.fork
    segment = name.segment
  }

  /// The path, relative to the data directory.
  ///
  /// - Parameter versionDirectory: `DataDirectory.versionDirectory`.
  public func formatted(versionDirectory: String) -> String {
    let name = RelationFileName(backend: backend, relNumber: locator.relNumber, fork: fork, segment: segment)
    switch locator.tablespace {
    case RelationLocator.globalTablespace:
      return "global/\(name)"
    case RelationLocator.defaultTablespace:
      return "base/\(locator.database)/\(name)"
    default:
      return "pg_tblspc/\(locator.tablespace)/\(versionDirectory)/\(locator.database)/\(name)"
    }
  }
}
