/// Something in a cluster's files that is not as it should be, and where.
public struct Damage: Sendable, Hashable {
  public enum Finding: Sendable, Hashable {
    /// The page was read and does not hold together.
    case page(PageDiagnosis)
    /// The page could not be read.
    case unreadable(String)
    /// Files are missing, or have a length that they cannot have.
    case file(ClusterAnomaly)
  }

  /// The file, relative to the data directory.
  public let path: String
  /// Nil for what is not about one fork.
  public let fork: ForkNumber?
  public let segment: UInt32?
  /// The block within the fork; nil for what is not about one page.
  public let block: BlockNumber?
  public let finding: Finding

  /// What is wrong, each in a few words.
  public var problems: [String] {
    switch finding {
    case .page(let diagnosis): diagnosis.problems.map(\.description)
    case .unreadable(let reason): ["unreadable: \(reason)"]
    case .file(let anomaly): [anomaly.description]
    }
  }

  /// The checksum that the page should have and the one it has, where they differ.
  public var checksum: (expected: UInt16, found: UInt16)? {
    guard case .page(let diagnosis) = finding else { return nil }
    for case .checksum(let expected, let found) in diagnosis.problems { return (expected, found) }
    return nil
  }
}

extension Damage: Comparable {
  public static func < (left: Damage, right: Damage) -> Bool {
    (left.path, left.block ?? BlockNumber(0)) < (right.path, right.block ?? BlockNumber(0))
  }
}

extension Damage: CustomStringConvertible {
  public var description: String {
    var place = path
    if let block { place += " block \(block)" }
    if let fork, let segment, fork != .main || segment != 0 { place += " (\(fork) fork, segment \(segment))" }
    return "\(place): \(problems.joined(separator: "; "))"
  }
}
