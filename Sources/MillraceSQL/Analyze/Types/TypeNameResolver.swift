public import MillraceEngine
import MillraceTypes

/// Finds out which type a name in a statement means (src/backend/parser/parse_type.c).
public struct TypeNameResolver {
  let catalog: SessionCatalog

  public init(_ catalog: SessionCatalog) { self.catalog = catalog }

  /// - Throws: `42704` where there is no such type, in PostgreSQL's words.
  public func resolve(_ name: TypeName) throws(SQLError) -> ValueType {
    let base = try lookUp(name)
    let typmod = try typmod(name, base)
    guard !name.arrayBounds.isEmpty else { return ValueType(base, typmod) }
    guard let array = try arrayType(of: base) else {
      throw SQLError(
        .undefinedObject, "could not find array type for data type \(TypeNames.format(base, try? catalog.types()))",
        at: name.location)
    }
    return ValueType(array, typmod)
  }

  /// Without parentheses and brackets.
  private func lookUp(_ name: TypeName) throws(SQLError) -> TypeID {
    if name.names.count == 2, name.names[0] == "pg_catalog", let known = Self.grammatical[name.names[1]] {
      return known
    }
    guard name.names.count <= 3, let last = name.names.last else {
      throw SQLError(
        .syntaxError, "improper qualified name (too many dotted names): \(name.names.joined(separator: "."))",
        at: name.location)
    }
    let schema = name.names.count > 1 ? name.names[name.names.count - 2] : nil
    if let schema {
      let isThere = try SQLError.wrapping { () throws(EngineError) in try catalog.namespace(named: schema) != nil }
      guard isThere else {
        throw SQLError(.invalidSchemaName, "schema \"\(schema)\" does not exist", at: name.location)
      }
    }
    let found = try SQLError.wrapping { () throws(EngineError) in try catalog.type(named: last, schema: schema) }
    guard let found else {
      throw SQLError(
        .undefinedObject, "type \"\(Self.written(name))\" does not exist", at: name.location)
    }
    return found
  }

  static func written(_ name: TypeName) -> String {
    name.names.joined(separator: ".") + String(repeating: "[]", count: name.arrayBounds.count)
  }

  func arrayType(of type: TypeID) throws(SQLError) -> TypeID? {
    if let known = TypeDescriptor.builtIn[type] {
      if known.arrayID != .none { return known.arrayID }
      // Of several dimensions is the same type.
      return known.elementID != .none && known.storage != .plain ? type : nil
    }
    let entry = try SQLError.wrapping { () throws(EngineError) in try catalog.types().byID[type] }
    return entry.flatMap { $0.array == .none ? nil : $0.array }
  }

  private func typmod(_ name: TypeName, _ type: TypeID) throws(SQLError) -> Int32 {
    guard !name.modifiers.isEmpty else { return -1 }
    guard let known = TypeDescriptor.builtIn[type] else {
      throw .unsupported("type \(TypeNames.format(type, try? catalog.types()))", at: name.location)
    }
    guard let read = known.typmodInput else {
      throw SQLError(
        .syntaxError, "type modifier is not allowed for type \"\(Self.written(name))\"", at: name.location)
    }
    var words: [String] = []
    for modifier in name.modifiers {
      switch modifier {
      case .constant(let constant):
        switch constant.value {
        case .integer(let number): words.append("\(number)")
        case .float(let text), .string(let text): words.append(text)
        default: throw Self.badModifier(name)
        }
      case .column(let reference) where reference.names.count == 1 && !reference.isStar:
        words.append(reference.names[0])
      default: throw Self.badModifier(name)
      }
    }
    do { return try read(words) } catch { throw SQLError(error, at: name.location) }
  }

  private static func badModifier(_ name: TypeName) -> SQLError {
    SQLError(.syntaxError, "type modifiers must be simple constants or identifiers", at: name.location)
  }

  /// Types that most statements name, so that they need no look-up.
  private static let grammatical: [String: TypeID] = [
    "bool": .bool, "int2": .int2, "int4": .int4, "int8": .int8, "float4": .float4, "float8": .float8,
    "numeric": .numeric, "varchar": .varchar, "bpchar": .bpchar, "time": .time, "timetz": .timeTZ,
    "timestamp": .timestamp, "timestamptz": .timestampTZ, "interval": .interval, "text": .text,
  ]
}
