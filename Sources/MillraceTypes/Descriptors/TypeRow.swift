/// The part of a row of `pg_type` that says how values of the type lie in memory.
struct TypeRow: Sendable {
  let id: TypeID
  let name: String
  let arrayID: TypeID
  let length: Int16
  let isByValue: Bool
  let alignment: TypeDescriptor.Alignment
  let storage: TypeDescriptor.Storage
  let category: UInt8
  let isPreferred: Bool
  let elementID: TypeID
  let delimiter: UInt8

  init(
    _ id: TypeID, _ name: String, array: UInt32, length: Int16, byValue: Bool, _ alignment: TypeDescriptor.Alignment,
    _ storage: TypeDescriptor.Storage, _ category: Unicode.Scalar, preferred: Bool = false, element: TypeID = .none,
    delimiter: Unicode.Scalar = ","
  ) {
    self.id = id
    self.name = name
    arrayID = TypeID(array)
    self.length = length
    isByValue = byValue
    self.alignment = alignment
    self.storage = storage
    self.category = UInt8(ascii: category)
    isPreferred = preferred
    elementID = element
    self.delimiter = UInt8(ascii: delimiter)
  }
}
