import MillraceTypes

/// Writes the values of one column in the format that the client wants.
struct ColumnWriter {
  private enum Kind {
    case int16Text, int32Text, int64Text, oidText, boolText, bytesText
    case int16Binary, int32Binary, int64Binary, boolBinary, bytesBinary
    case text(TypeDescriptor)
    case binary(TypeDescriptor)
    /// What says names of the catalog.
    case named(TypeID)
    /// The session has it as a text.
    case addressBinary
  }

  private let kind: Kind
  private let settings: TypeSettings
  private let namedText: (Datum, TypeID) -> [UInt8]?

  init(
    _ type: TypeID, _ format: ValueFormat, _ settings: TypeSettings,
    _ namedText: @escaping (Datum, TypeID) -> [UInt8]?
  ) {
    (self.settings, self.namedText) = (settings, namedText)
    let isText = format == .text
    switch type {
    case .int2: kind = isText ? .int16Text : .int16Binary
    case .int4: kind = isText ? .int32Text : .int32Binary
    case .int8: kind = isText ? .int64Text : .int64Binary
    case .oid: kind = isText ? .oidText : .int32Binary
    case .bool: kind = isText ? .boolText : .boolBinary
    case .inet: kind = isText ? .bytesText : .addressBinary
    case .text, .varchar, .bpchar, .unknown, .json, .cstring: kind = isText ? .bytesText : .bytesBinary
    default:
      if let descriptor = TypeDescriptor.builtIn[type] {
        kind = !isText ? .binary(descriptor) : Self.saysNames(descriptor) ? .named(type) : .text(descriptor)
      } else {
        kind = type == .anyArray ? .named(type) : .bytesText
      }
    }
  }

  /// Whether a type's text, or that of its elements, is one that only the catalog knows.
  private static func saysNames(_ type: TypeDescriptor) -> Bool {
    switch type.storage == .plain ? type.id : type.elementID {
    case .regClass, .regType, .regProc, .regProcedure, .regNamespace, .regRole, .aclItem: true
    default: false
    }
  }

  @inline(__always)
  func write(_ value: Datum, _ encoder: MessageEncoder, _ scratch: inout [UInt8]) {
    switch kind {
    case .int16Text, .int32Text, .int64Text: encoder.decimalValue(value.int64)
    case .oidText: encoder.decimalValue(Int64(value.oid))
    case .boolText:
      encoder.int32(1)
      encoder.int8(value.bool ? 0x74 : 0x66)
    case .int16Binary:
      encoder.int32(2)
      encoder.int16(value.int16)
    case .int32Binary:
      encoder.int32(4)
      encoder.int32(value.int32)
    case .int64Binary:
      encoder.int32(8)
      encoder.int64(value.int64)
    case .boolBinary:
      encoder.int32(1)
      encoder.int8(value.bool ? 1 : 0)
    case .bytesText, .bytesBinary:
      encoder.int32(Int32(truncatingIfNeeded: value.count))
      encoder.bytes(value.bytes.buffer)
    case .text(let type):
      scratch.removeAll(keepingCapacity: true)
      type.output(value, settings, &scratch)
      writeScratch(encoder, scratch)
    case .named(let type):
      scratch.removeAll(keepingCapacity: true)
      if let text = namedText(value, type) { scratch += text }
      writeScratch(encoder, scratch)
    case .addressBinary: writeAddress(value.bytes, encoder)
    case .binary(let type):
      scratch.removeAll(keepingCapacity: true)
      type.send(value, &scratch)
      writeScratch(encoder, scratch)
    }
  }

  /// As inet_send() has it: the family, the bits of the network, whether it is a network, and the bytes.
  private func writeAddress(_ text: ByteView, _ encoder: MessageEncoder) {
    guard let address = IPAddress(text.string) else { return encoder.int32(-1) }
    encoder.int32(Int32(4 + address.bytes.count))
    for byte in [address.isVersion6 ? 3 : 2, UInt8(address.bitCount), 0, UInt8(address.bytes.count)] {
      encoder.int8(byte)
    }
    address.bytes.withUnsafeBytes { encoder.bytes($0) }
  }

  private func writeScratch(_ encoder: MessageEncoder, _ scratch: [UInt8]) {
    encoder.int32(Int32(truncatingIfNeeded: scratch.count))
    scratch.withUnsafeBytes { encoder.bytes($0) }
  }
}

extension MessageEncoder {
  /// A number in decimal, with its length before it.
  func decimalValue(_ number: Int64) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var (magnitude, start) = (number.magnitude, 20)
      repeat {
        let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
        start -= 1
        digits[start] = 0x30 + UInt8(truncatingIfNeeded: digit)
        magnitude = quotient
      } while magnitude > 0
      if number < 0 {
        start -= 1
        digits[start] = 0x2D
      }
      int32(Int32(20 - start))
      bytes(UnsafeRawBufferPointer(UnsafeMutableBufferPointer(rebasing: digits[start...])))
    }
  }
}
