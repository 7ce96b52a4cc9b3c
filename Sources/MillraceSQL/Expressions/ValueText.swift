import MillraceEngine
import MillraceTypes

/// The text of values of a type within a statement, those included whose text depends on the catalog.
final class ValueText {
  private let type: ValueType
  private let descriptor: TypeDescriptor
  private unowned let context: ExecutionContext
  private let registered: RegisteredNames?
  private let named: NamedValues?

  init(_ type: ValueType, _ context: ExecutionContext) throws(SQLError) {
    guard let descriptor = TypeDescriptor.builtIn[type.id] else {
      throw .unsupported("type with OID \(type.id.rawValue)")
    }
    (self.type, self.descriptor, self.context) = (type, descriptor, context)
    registered = RegisteredNames(type.id, context.catalog)
    named = NamedValues(type.id, context.catalog, context.typeSettings)
  }

  func append(_ value: Datum, to text: inout [UInt8]) throws(SQLError) {
    if let named { return try named.append(value, to: &text) }
    descriptor.output(value, context.typeSettings, &text)
  }

  /// - Parameter text: must live as long as the value.
  func value(of text: ByteView, _ arena: Arena) throws(SQLError) -> Datum {
    if let registered { return Datum(oid: try registered.oid(of: text.string)) }
    do throws(TypeError) {
      return try descriptor.input(text, type.typmod, context.typeSettings, arena)
    } catch { throw SQLError(error) }
  }
}
