public import MillraceTypes

/// What an operator is found by, where the types are exactly its own.
struct OperatorSignature: Hashable, Sendable {
  let name: String
  let left, right: TypeID

  init(_ name: String, _ left: TypeID, _ right: TypeID) { (self.name, self.left, self.right) = (name, left, right) }
}

/// The operators by which values of a type are sorted and compared: those of its default B-tree operator class.
public struct SortOperators: Sendable, Hashable {
  /// The type that the class is for.
  public let type: TypeID
  public let less, equal, greater: UInt32

  init(type: TypeID, less: UInt32, equal: UInt32, greater: UInt32) {
    (self.type, self.less, self.equal, self.greater) = (type, less, equal, greater)
  }

  static func all(
    _ classes: [OperatorClassEntry], _ members: [FunctionCatalog.FamilyOperator]
  ) -> [TypeID: SortOperators] {
    struct Place: Hashable {
      let family: UInt32
      let type: TypeID
      let strategy: Int16
    }
    var operators: [Place: UInt32] = [:]
    for member in members where member.left == member.right && member.accessMethod == SystemOID.btree {
      operators[Place(family: member.family, type: member.left, strategy: member.strategy)] = member.operatorID
    }
    var found: [TypeID: SortOperators] = [:]
    for entry in classes where entry.isDefault && entry.accessMethod == SystemOID.btree {
      func member(_ strategy: Int16) -> UInt32? {
        operators[Place(family: entry.family, type: entry.inputType, strategy: strategy)]
      }
      guard let less = member(1), let equal = member(3), let greater = member(5) else { continue }
      found[entry.inputType] = SortOperators(type: entry.inputType, less: less, equal: equal, greater: greater)
    }
    return found
  }
}

extension FunctionCatalog {
  /// An operator by its name and its operands' types; none for the operand that a prefix operator lacks. One look-up.
  public func `operator`(named name: String, left: TypeID, right: TypeID) -> OperatorEntry? {
    operatorsBySignature[OperatorSignature(name, left, right)]
  }

  /// The default B-tree operators of exactly this type; nil where it has no operator class of its own. One look-up.
  public func sortOperators(of type: TypeID) -> SortOperators? { sortOperators[type] }
}
