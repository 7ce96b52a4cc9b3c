/// The type `aclitem`: who may do what with something, by whose leave. Two roles and the privileges' bits.
///
/// Its text has the names of roles, which only the catalog knows; here stand their numbers.
enum AccessItemType {
  private static let length = 16

  static let functions = TypeDescriptor.Functions(
    input: { (_, _, _, _) throws(TypeError) in
      throw TypeError(.featureNotSupported, "values of type aclitem cannot be made of texts")
    },
    output: { value, _, text in
      text.append(decimal: value.bytes.load(at: 0, as: UInt32.self))
      text.append("=")
      text.append(decimal: value.bytes.load(at: 8, as: UInt64.self))
      text.append("/")
      text.append(decimal: value.bytes.load(at: 4, as: UInt32.self))
    },
    receive: { (message, _, arena) throws(TypeError) in arena.copy(try message.bytes(length)) },
    send: { value, message in message.append(value.bytes) },
    equal: TextType.equal)
}
