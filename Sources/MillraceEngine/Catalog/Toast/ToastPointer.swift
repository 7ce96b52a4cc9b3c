import MillraceTypes

/// What stands in a tuple in the place of a value that is in a TOAST table: PostgreSQL's `varatt_external`
/// (src/include/varatt.h).
struct ToastPointer: Hashable, Sendable {
  /// Bytes of the value as it is, with four for its length.
  var rawSize: Int32
  /// Bytes that are stored, without length.
  var storedSize: UInt32
  var method: ToastCompression
  /// Under which its chunks are.
  var valueID: UInt32
  var toastRelation: UInt32

  /// Whether what is stored is compressed.
  var isCompressed: Bool { Int(storedSize) < Int(rawSize) - 4 }

  private static let sizeMask: UInt32 = 0x3FFF_FFFF

  init(rawSize: Int32, storedSize: UInt32, method: ToastCompression, valueID: UInt32, toastRelation: UInt32) {
    (self.rawSize, self.storedSize, self.method) = (rawSize, storedSize, method)
    (self.valueID, self.toastRelation) = (valueID, toastRelation)
  }

  /// - Returns: nil where the datum is not one.
  init?(_ datum: Datum) {
    guard Varlena.isExternal(datum), datum.count == Varlena.pointerSize else { return nil }
    let bytes = datum.bytes
    let info: UInt32 = bytes.load(at: 6)
    guard let method = ToastCompression(rawValue: UInt8(info >> 30)) else { return nil }
    self.init(
      rawSize: bytes.load(at: 2), storedSize: info & Self.sizeMask, method: method, valueID: bytes.load(at: 10),
      toastRelation: bytes.load(at: 14))
  }

  /// The whole varlena.
  var bytes: [UInt8] {
    var bytes: [UInt8] = [1, Varlena.onDiskTag]
    bytes.append(native: rawSize)
    bytes.append(native: storedSize | (isCompressed ? UInt32(method.rawValue) << 30 : 0))
    bytes.append(native: valueID)
    bytes.append(native: toastRelation)
    return bytes
  }
}

/// How a value is compressed: `ToastCompressionId` (src/include/access/toast_compression.h).
enum ToastCompression: UInt8, Sendable {
  case pglz = 0
  case lz4 = 1
}
