public import MillraceTypes

/// An array of one dimension without nulls, as system tables have them: PostgreSQL's `ArrayType`
/// (src/include/utils/array.h), and its `int2vector` and `oidvector`, which count from 0.
public struct CatalogArray: Sendable, Hashable {
  public var elementType: TypeID
  public var elements: [CatalogValue]
  public var lowerBound: Int32

  public init(_ elementType: TypeID, _ elements: [CatalogValue], lowerBound: Int32 = 1) {
    (self.elementType, self.elements, self.lowerBound) = (elementType, elements, lowerBound)
  }

  /// How the elements of a type lie in an array.
  struct Element {
    let length: Int
    let alignment: Int

    init?(_ type: TypeID) {
      switch type {
      case .char: (length, alignment) = (1, 1)
      case .int2: (length, alignment) = (2, 2)
      case .oid, .float4, .int4, .regProc: (length, alignment) = (4, 4)
      case .int8: (length, alignment) = (8, 8)
      case .aclItem: (length, alignment) = (16, 8)
      case .text: (length, alignment) = (-1, 4)
      default: return nil
      }
    }
  }

  /// The type of an array's elements; nil where it is none that is known here.
  static func elementType(of array: TypeID) -> TypeID? {
    switch array {
    case .int2Vector, .int2Array: .int2
    case .oidVector, .oidArray: .oid
    case .charArray: .char
    case .textArray: .text
    case .float4Array: .float4
    case .aclItemArray: .aclItem
    default: nil
    }
  }

  /// Bytes of the length word that a payload lacks: places are counted with it.
  private static let header = 4

  /// - Parameters:
  ///   - payload: without the length word.
  ///   - type: the array's.
  /// - Returns: nil where that is not such an array.
  init?(_ payload: ByteView, _ type: TypeID) {
    guard let expected = Self.elementType(of: type), let element = Element(expected), payload.count >= 12 else {
      return nil
    }
    let dimensions: Int32 = payload.load(at: 0)
    guard dimensions == 0 || dimensions == 1, payload.load(at: 4, as: Int32.self) == 0,
      TypeID(payload.load(at: 8)) == expected
    else { return nil }
    (elementType, elements, lowerBound) = (expected, [], 1)
    guard dimensions == 1 else { return }
    guard payload.count >= 20 else { return nil }
    let count: Int32 = payload.load(at: 12)
    lowerBound = payload.load(at: 16)
    var offset = 24
    for _ in 0..<max(count, 0) {
      offset = (offset + element.alignment - 1) & ~(element.alignment - 1)
      let start = offset - Self.header
      if element.length > 0 {
        guard start + element.length <= payload.count else { return nil }
        elements.append(Self.value(payload[start..<start + element.length], expected))
        offset += element.length
      } else {
        guard start < payload.count else { return nil }
        let rest = payload.from(start).buffer
        guard let address = rest.baseAddress, let read = Varlena.read(address, limit: rest.count),
          !read.datum.isToasted
        else { return nil }
        elements.append(.text(read.datum.bytes.string))
        offset += read.length
      }
    }
  }

  private static func value(_ bytes: ByteView, _ type: TypeID) -> CatalogValue {
    switch type {
    case .char: .integer(Int64(bytes[0]))
    case .int2: .integer(Int64(bytes.load(at: 0, as: Int16.self)))
    case .int4: .integer(Int64(bytes.load(at: 0, as: Int32.self)))
    case .int8: .integer(bytes.load(at: 0))
    case .float4: .real(Float(bitPattern: bytes.load(at: 0)))
    case .aclItem: AccessItem(bytes).map { .access($0) } ?? .null
    default: .integer(Int64(bytes.load(at: 0, as: UInt32.self)))
    }
  }

  /// Its bytes without the length word.
  var payload: [UInt8] {
    var bytes: [UInt8] = []
    // `int2vector` and `oidvector` have a dimension also where they are empty.
    let isEmpty = elements.isEmpty && lowerBound == 1
    bytes.append(native: Int32(isEmpty ? 0 : 1))
    bytes.append(native: Int32(0))
    bytes.append(native: elementType.rawValue)
    guard !isEmpty else { return bytes }
    bytes.append(native: Int32(elements.count))
    bytes.append(native: lowerBound)
    let alignment = Element(elementType)?.alignment ?? 4
    for element in elements {
      while (bytes.count + Self.header) % alignment != 0 { bytes.append(0) }
      Self.append(element, elementType, to: &bytes)
    }
    return bytes
  }

  private static func append(_ value: CatalogValue, _ type: TypeID, to bytes: inout [UInt8]) {
    switch type {
    case .char: bytes.append(value.byte)
    case .int2: bytes.append(native: Int16(truncatingIfNeeded: value.integer))
    case .int8: bytes.append(native: value.integer)
    case .float4: bytes.append(native: value.real.bitPattern)
    case .aclItem:
      if case .access(let item) = value { bytes.append(contentsOf: item.bytes) }
    case .text:
      let text = Array((value.string ?? "").utf8)
      bytes.append(native: UInt32(text.count + 4) << 2)
      bytes.append(contentsOf: text)
    default: bytes.append(native: UInt32(truncatingIfNeeded: value.integer))
    }
  }
}
