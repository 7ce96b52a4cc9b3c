import MillraceStorage
import MillraceTypes

/// `pg_filenode.map`: the file numbers of those system tables that are needed to look up file numbers (PostgreSQL's
/// `RelMapFile`, src/backend/utils/cache/relmapper.c).
struct RelationMap: Sendable, Hashable {
  /// By the table's OID.
  var fileNumbers: [UInt32: UInt32]

  static let fileName = "pg_filenode.map"
  /// `RELMAPPER_FILEMAGIC`.
  private static let magic: UInt32 = 0x0059_2717
  /// `MAX_MAPPINGS`.
  private static let mappingsMax = 64
  /// Magic and count, the mappings, the CRC.
  static let fileSize = 8 + mappingsMax * 8 + 4

  init(_ fileNumbers: [UInt32: UInt32]) { self.fileNumbers = fileNumbers }

  /// - Returns: nil where the bytes are not such a file, or are damaged.
  init?(parsing bytes: [UInt8]) {
    guard bytes.count == Self.fileSize else { return nil }
    let fields = bytes.withByteView { view in
      (0..<Self.fileSize / 4).map { view.load(at: $0 * 4, as: UInt32.self) }
    }
    guard fields[0] == Self.magic, fields[1] <= Self.mappingsMax, fields.last == Self.crc(bytes) else { return nil }
    fileNumbers = [:]
    for index in 0..<Int(fields[1]) { fileNumbers[fields[2 + 2 * index]] = fields[3 + 2 * index] }
  }

  func encoded() -> [UInt8] {
    precondition(fileNumbers.count <= Self.mappingsMax, "more mapped relations than a map has room for")
    var bytes: [UInt8] = []
    bytes.append(native: Self.magic)
    bytes.append(native: UInt32(fileNumbers.count))
    for (oid, number) in fileNumbers.sorted(by: { $0.key < $1.key }) {
      bytes.append(native: oid)
      bytes.append(native: number)
    }
    bytes += [UInt8](repeating: 0, count: Self.fileSize - 4 - bytes.count)
    bytes.append(native: Self.crc(bytes))
    return bytes
  }

  private static func crc(_ bytes: [UInt8]) -> UInt32 {
    bytes.withBytes { CRC32C.compute(UnsafeRawBufferPointer(rebasing: $0[..<(fileSize - 4)])) }
  }
}
