import MillraceEngine
import MillraceTypes

/// The texts of values that say names of the catalog: of `regclass` and its kin, of privileges, of arrays of these; and
/// of arrays that say their type themselves.
struct NamedValues {
  private enum Kind {
    case registered(RegisteredNames)
    case privileges
    /// An array that says itself what is in it.
    case anyArray
  }

  private let kind: Kind
  /// nil where the values are no arrays.
  private let element: TypeDescriptor?
  private unowned let catalog: SessionCatalog
  private let settings: TypeSettings

  /// nil where the type is none of them.
  init?(_ type: TypeID, _ catalog: SessionCatalog, _ settings: TypeSettings) {
    element = Self.element(of: type)
    let single = element?.id ?? type
    if single == .anyArray {
      kind = .anyArray
    } else if single == .aclItem {
      kind = .privileges
    } else if let names = RegisteredNames(single, catalog) {
      kind = .registered(names)
    } else {
      return nil
    }
    (self.catalog, self.settings) = (catalog, settings)
  }

  private static func element(of type: TypeID) -> TypeDescriptor? {
    guard let array = TypeDescriptor.builtIn[type], array.storage != .plain, array.elementID != .none else {
      return nil
    }
    return TypeDescriptor.builtIn[array.elementID]
  }

  func append(_ value: Datum, to text: inout [UInt8]) throws(SQLError) {
    guard let element else { return try appendOne(value, to: &text) }
    try ArrayType.appendText(value, of: element, to: &text) { (value, text) throws(SQLError) in
      try appendOne(value, to: &text)
    }
  }

  private func appendOne(_ value: Datum, to text: inout [UInt8]) throws(SQLError) {
    switch kind {
    case .registered(let names): text.append(contentsOf: try names.text(of: value.oid).utf8)
    case .privileges:
      guard let item = AccessItem(value.bytes) else { return }
      let name = try SQLError.engine { () throws(EngineError) in
        try item.text { (role) throws(EngineError) in try catalog.roleName(role) }
      }
      text.append(contentsOf: name.utf8)
    case .anyArray: ArrayType.appendText(ofAny: value, settings, to: &text)
    }
  }
}
