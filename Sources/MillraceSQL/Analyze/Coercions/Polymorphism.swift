import MillraceEngine
import MillraceTypes

/// The types that stand for others (pseudo-types of `pg_type.dat`).
enum Polymorphism {
  static let anyRange = TypeID(3831)
  static let anyMultirange = TypeID(4537)
  static let anyCompatible = TypeID(5077)
  static let anyCompatibleArray = TypeID(5078)
  static let anyCompatibleNonArray = TypeID(5079)
  static let anyCompatibleRange = TypeID(5080)
  static let anyCompatibleMultirange = TypeID(4538)

  /// IsPolymorphicType.
  static func isPolymorphic(_ type: TypeID) -> Bool { isFamily1(type) || isFamily2(type) }

  /// Those that all mean exactly one type.
  static func isFamily1(_ type: TypeID) -> Bool {
    switch type {
    case .anyElement, .anyArray, .anyNonArray, .anyEnum, anyRange, anyMultirange: true
    default: false
    }
  }

  /// Those for which a common type is chosen.
  static func isFamily2(_ type: TypeID) -> Bool {
    switch type {
    case anyCompatible, anyCompatibleArray, anyCompatibleNonArray, anyCompatibleRange, anyCompatibleMultirange: true
    default: false
    }
  }

  static func isArray(_ type: TypeID) -> Bool { type == .anyArray || type == anyCompatibleArray }

  /// What the pseudo-types of a function stand for in one call.
  struct Solution {
    var isConsistent = true
    /// Why not, where that has words of its own.
    var error: SQLError?
    var element: TypeID?
    var array: TypeID?
    var compatible: TypeID?
    var compatibleArray: TypeID?

    /// What a declared type is in this call.
    func actual(_ declared: TypeID) -> TypeID? {
      switch declared {
      case .anyElement, .anyNonArray, .anyEnum: element
      case .anyArray: array
      case Polymorphism.anyCompatible, Polymorphism.anyCompatibleNonArray: compatible
      case Polymorphism.anyCompatibleArray: compatibleArray
      default: Polymorphism.isPolymorphic(declared) ? nil : declared
      }
    }
  }
}

extension Analyzer {
  /// What polymorphic types stand for, given the arguments: check_generic_type_consistency and
  /// enforce_generic_type_consistency. Ranges are not supported.
  func polymorphism(_ actual: [TypeID], _ declared: [TypeID]) throws(SQLError) -> Polymorphism.Solution {
    var solution = Polymorphism.Solution()
    var common: [TypeID] = []
    var mustBeNoArray = false
    for (actual, declared) in zip(actual, declared) {
      switch declared {
      case .anyElement, .anyNonArray, .anyEnum:
        if declared == .anyNonArray { mustBeNoArray = true }
        if actual == .unknown { continue }
        if declared == .anyEnum, try types().byID[actual]?.kind != "e" {
          return inconsistent(
            SQLError(.datatypeMismatch, "type matched to anyenum is not an enum type: \(typeName(actual))"))
        }
        if let known = solution.element, known != actual {
          return contradiction("anyelement", known, actual)
        }
        solution.element = actual
      case .anyArray:
        if actual == .unknown { continue }
        if let known = solution.array, known != actual { return contradiction("anyarray", known, actual) }
        solution.array = actual
      case Polymorphism.anyCompatible, Polymorphism.anyCompatibleNonArray:
        if actual != .unknown { common.append(actual) }
      case Polymorphism.anyCompatibleArray:
        if actual == .unknown { continue }
        guard let element = try elementType(of: actual) else { return noArray("anycompatiblearray", actual) }
        common.append(element)
      case _ where Polymorphism.isPolymorphic(declared): return inconsistent(nil)
      default: break
      }
    }
    if let array = solution.array {
      guard let element = try elementType(of: array) else { return noArray("anyarray", array) }
      if let known = solution.element, known != element {
        return inconsistent(
          SQLError(
            .datatypeMismatch, "argument declared anyarray is not consistent with argument declared anyelement",
            detail: "\(typeName(array)) versus \(typeName(known))"))
      }
      solution.element = element
    } else if let element = solution.element {
      solution.array = try arrayType(of: element)
    }
    if mustBeNoArray, let element = solution.element, try category(of: element) == UInt8(ascii: "A") {
      return inconsistent(
        SQLError(.datatypeMismatch, "type matched to anynonarray is an array type: \(typeName(element))"))
    }
    if declared.contains(where: Polymorphism.isFamily2) {
      guard let type = common.isEmpty ? .text : try commonTypeIfAny(common) else { return inconsistent(nil) }
      for other in common where try !canCoerce(other, to: type, .implicit) { return inconsistent(nil) }
      solution.compatible = type
      solution.compatibleArray = try arrayType(of: type)
    }
    return solution
  }

  private func inconsistent(_ error: SQLError?) -> Polymorphism.Solution {
    var solution = Polymorphism.Solution()
    (solution.isConsistent, solution.error) = (false, error)
    return solution
  }

  private func contradiction(_ name: String, _ first: TypeID, _ second: TypeID) -> Polymorphism.Solution {
    inconsistent(
      SQLError(
        .datatypeMismatch, "arguments declared \"\(name)\" are not all alike",
        detail: "\(typeName(first)) versus \(typeName(second))"))
  }

  private func noArray(_ name: String, _ type: TypeID) -> Polymorphism.Solution {
    inconsistent(
      SQLError(.datatypeMismatch, "argument declared \(name) is not an array but type \(typeName(type))"))
  }

  /// enforce_generic_type_consistency: the declared types with the pseudo-types replaced, and the result's.
  func resolvePolymorphism(
    _ actual: [TypeID], _ declared: [TypeID], result: TypeID
  ) throws(SQLError) -> (declared: [TypeID], result: TypeID) {
    guard Polymorphism.isPolymorphic(result) || declared.contains(where: Polymorphism.isPolymorphic) else {
      return (declared, result)
    }
    let solution = try polymorphism(actual, declared)
    if let error = solution.error { throw error }
    var resolved = declared
    for index in declared.indices where Polymorphism.isPolymorphic(declared[index]) {
      guard let type = solution.actual(declared[index]) else {
        throw SQLError(.datatypeMismatch, "could not determine polymorphic type because input has type unknown")
      }
      resolved[index] = type
    }
    guard Polymorphism.isPolymorphic(result) else { return (resolved, result) }
    guard let type = solution.actual(result) else {
      if Polymorphism.isArray(result), let element = solution.element ?? solution.compatible {
        throw SQLError(.undefinedObject, "could not find array type for data type \(typeName(element))")
      }
      throw SQLError(.datatypeMismatch, "could not determine polymorphic type because input has type unknown")
    }
    return (resolved, type)
  }
}
