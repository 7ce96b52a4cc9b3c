/// A relation's files come in up to four sorts: PostgreSQL's `ForkNumber` (src/include/common/relpath.h).
public enum ForkNumber: UInt8, Sendable, Hashable, CaseIterable, Comparable, CustomStringConvertible {
  /// The data itself.
  case main = 0
  /// The free space map: how much room each page has.
  case freeSpaceMap = 1
  /// The visibility map: which pages hold only tuples that everyone sees.
  case visibilityMap = 2
  /// What an unlogged relation is reset to after a crash.
  case initialization = 3

  /// PostgreSQL's name: `main`, `fsm`, `vm` or `init`.
  public var description: String {
    switch self {
    case .main: "main"
    case .freeSpaceMap: "fsm"
    case .visibilityMap: "vm"
    case .initialization: "init"
    }
  }

  /// Whether it tells of the pages of the main fork, and can lose what it knows.
  public var isMap: Bool { self == .freeSpaceMap || self == .visibilityMap }

  /// The fork with that PostgreSQL name.
  public init?(name: some StringProtocol) {
    guard let fork = Self.allCases.first(where: { $0.description == name }) else { return nil }
    self = fork
  }

  /// What follows the relation's number in its files' names: nothing, `_fsm`, `_vm` or `_init`.
  public var fileNameSuffix: String { self == .main ? "" : "_" + description }

  public static func < (left: ForkNumber, right: ForkNumber) -> Bool { left.rawValue < right.rawValue }
}
