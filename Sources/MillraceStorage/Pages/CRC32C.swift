import CMillrace

/// A running CRC-32C (Castagnoli) in PostgreSQL's convention (src/include/port/pg_crc32c.h): the register starts as all
/// ones and is inverted at the end.
///
/// Uses the processor's CRC instructions where it has them.
public struct CRC32C: Sendable {
  private var register: UInt32 = MILLRACE_CRC32C_INITIAL

  public init() {}

  /// Feeds bytes. Feeding them in pieces gives the same value as feeding them at once.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    register = millrace_crc32c(register, start, bytes.count)
  }

  /// The CRC of everything fed so far. More can be fed afterwards.
  public var value: UInt32 { register ^ MILLRACE_CRC32C_FINAL_XOR }

  /// The CRC of some bytes.
  public static func compute(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var crc = CRC32C()
    crc.update(bytes)
    return crc.value
  }
}
