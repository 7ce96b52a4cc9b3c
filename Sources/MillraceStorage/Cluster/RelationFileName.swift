/// The name of one file of a relation: `16384`, `16384_fsm`, `16384.1`, `t3_16384_vm.2`.
///
/// The parts are PostgreSQL's (src/common/relpath.c): `t` and the number of the backend for a temporary relation, the
/// file number, the fork, the segment.
struct RelationFileName: Hashable, CustomStringConvertible {
  /// The backend whose temporary relation this is; `nil` for every other relation.
  var backend: UInt32?
  var relNumber: OID
  var fork: ForkNumber
  /// Which part of the fork the file holds. The first, number zero, has no suffix.
  var segment: UInt32

  init(backend: UInt32? = nil, relNumber: OID, fork: ForkNumber = .main, segment: UInt32 = 0) {
    self.backend = backend
    self.relNumber = relNumber
    self.fork = fork
    self.segment = segment
  }

  /// Takes a file name apart; `nil` if PostgreSQL would not give this name to a relation's file. So numbers have no
  /// sign and no leading zero, and the first segment has no number.
  init?(_ name: some StringProtocol) {
    var rest = Substring(name)
    if rest.first == "t" {
      rest.removeFirst()
      guard let underscore = rest.firstIndex(of: "_") else { return nil }
      guard let backend = Self.number(rest[..<underscore], mayBeZero: true) else { return nil }
      self.backend = backend
      rest = rest[rest.index(after: underscore)...]
    } else {
      backend = nil
    }

    segment = 0
    if let dot = rest.firstIndex(of: ".") {
      guard let segment = Self.number(rest[rest.index(after: dot)...], mayBeZero: false) else { return nil }
      self.segment = segment
      rest = rest[..<dot]
    }

    fork = .main
    if let underscore = rest.firstIndex(of: "_") {
      guard let fork = ForkNumber(name: rest[rest.index(after: underscore)...]), fork != .main else { return nil }
      self.fork = fork
      rest = rest[..<underscore]
    }

    guard let relNumber = Self.number(rest, mayBeZero: false) else { return nil }
    self.relNumber = relNumber
  }

  /// A number in the form in which PostgreSQL prints one into a file name.
  static func number(_ digits: some StringProtocol, mayBeZero: Bool) -> UInt32? {
    guard let first = digits.utf8.first, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    if first == 0x30 {
      return mayBeZero && digits.utf8.count == 1 ? 0 : nil
    }
    return UInt32(digits)
  }

  var description: String {
    let owner = backend.map { "t\($0)_" } ?? ""
    let part = segment == 0 ? "" : ".\(segment)"
    return "\(owner)\(relNumber)\(fork.fileNameSuffix)\(part)"
  }
}
