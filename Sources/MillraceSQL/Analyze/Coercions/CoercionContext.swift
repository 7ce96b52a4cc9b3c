import MillraceEngine
import MillraceTypes

/// What a cast is wanted for, and so which ones may be used (CoercionContext of nodes/primnodes.h).
enum CoercionContext: Int, Comparable {
  case implicit, assignment, explicit

  static func < (left: CoercionContext, right: CoercionContext) -> Bool { left.rawValue < right.rawValue }
}

/// How a value of one type becomes one of another.
enum CoercionPath: Equatable {
  /// The bytes stay as they are.
  case relabel
  case function(UInt32)
  case throughText
}

/// Which types can become which others (src/backend/parser/parse_coerce.c).
extension Analyzer {
  /// `typcategory`, as a letter.
  func category(of type: TypeID) throws(SQLError) -> UInt8 {
    if let known = TypeDescriptor.builtIn[type] { return known.category }
    return try types().byID[type]?.category ?? 0
  }

  func isPreferred(_ type: TypeID) throws(SQLError) -> Bool {
    if let known = TypeDescriptor.builtIn[type] { return known.isPreferred }
    return try types().byID[type]?.isPreferred ?? false
  }

  /// The type of an array's elements; nil for what is none (get_base_element_type).
  func elementType(of type: TypeID) throws(SQLError) -> TypeID? {
    if let known = TypeDescriptor.builtIn[type] {
      return known.length == -1 && known.elementID != .none ? known.elementID : nil
    }
    guard let entry = try types().byID[type], entry.length == -1, entry.element != .none else { return nil }
    return entry.element
  }

  func arrayType(of type: TypeID) throws(SQLError) -> TypeID? { try TypeNameResolver(catalog).arrayType(of: type) }

  /// find_coercion_pathway.
  func coercionPath(from source: TypeID, to target: TypeID, _ context: CoercionContext) throws(SQLError)
    -> CoercionPath?
  {
    if source == target { return .relabel }
    if let cast = try functions().casts[FunctionCatalog.CastKey(source, target)] {
      let needed: CoercionContext = cast.context == "i" ? .implicit : cast.context == "a" ? .assignment : .explicit
      guard context >= needed else { return nil }
      switch cast.method {
      case "f": return .function(cast.function)
      case "i": return .throughText
      default: return .relabel
      }
    }
    if target != .oidVector, target != .int2Vector, let targetElement = try elementType(of: target),
      let sourceElement = try elementType(of: source), try category(of: target) == UInt8(ascii: "A"),
      try category(of: source) == UInt8(ascii: "A")
    {
      guard let path = try coercionPath(from: sourceElement, to: targetElement, context) else { return nil }
      return path == .relabel ? .relabel : .throughText
    }
    if context >= .assignment, try category(of: target) == UInt8(ascii: "S") { return .throughText }
    if context >= .explicit, try category(of: source) == UInt8(ascii: "S") { return .throughText }
    return nil
  }

  /// can_coerce_type, of one argument.
  func canCoerce(_ source: TypeID, to target: TypeID, _ context: CoercionContext) throws(SQLError) -> Bool {
    if source == target || target == .any || source == .unknown || Polymorphism.isPolymorphic(target) { return true }
    if try coercionPath(from: source, to: target, context) != nil { return true }
    // Any array is a record[] of nobody; any row type is a record.
    return target == .record ? try types().byID[source]?.kind == "c" : false
  }

  /// can_coerce_type, of all arguments of a function.
  func canCoerce(_ sources: [TypeID], to targets: [TypeID], _ context: CoercionContext) throws(SQLError) -> Bool {
    var hasPolymorphic = false
    for (source, target) in zip(sources, targets) {
      if !(try canCoerce(source, to: target, context)) { return false }
      if Polymorphism.isPolymorphic(target) { hasPolymorphic = true }
    }
    guard hasPolymorphic else { return true }
    return try polymorphism(sources, targets).isConsistent
  }

  /// IsBinaryCoercible: whether a value of one type can be taken as one of the other as it is.
  func isBinaryCoercible(_ source: TypeID, to target: TypeID) throws(SQLError) -> Bool {
    if source == target || target == .any || target == .anyElement { return true }
    if target == .anyArray { return try category(of: source) == UInt8(ascii: "A") }
    guard let cast = try functions().casts[FunctionCatalog.CastKey(source, target)] else { return false }
    return cast.method == "b" && cast.context == "i"
  }
}
