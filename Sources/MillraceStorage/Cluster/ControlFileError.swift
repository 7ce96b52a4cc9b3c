/// Why a control file cannot be used.
public enum ControlFileError: Error, Sendable, Hashable {
  case missing
  case tooShort(length: Int, needed: Int)
  case wrongByteOrder(version: UInt32)
  case unsupportedVersion(UInt32)
  /// The control file is of another version of PostgreSQL than `PG_VERSION`.
  case versionMismatch(controlVersion: UInt32, majorVersion: Int)
  case checksumMismatch(stored: UInt32, computed: UInt32)
  case unsupportedBlockSize(UInt32)
  case unsupportedAlignment(UInt32)
  case unsupportedFloatFormat(bits: UInt64)
  case unsupportedChecksumVersion(UInt32)
  /// A field that is covered by the checksum holds a value that it cannot have.
  case invalidField(name: String, value: UInt64)
}

extension ControlFileError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missing:
      "the control file is missing"
    case .tooShort(let length, let needed):
      "the control file has \(length) bytes, which is less than the \(needed) that it needs"
    case .wrongByteOrder:
      "the control file was written by a machine with the other byte order"
    case .unsupportedVersion(let version):
      "the control file has format version \(version); supported are 1300 and 1800 (PostgreSQL 14 to 18)"
    case .versionMismatch(let controlVersion, let majorVersion):
      "the control file has format version \(controlVersion), which is not that of PostgreSQL \(majorVersion)"
    case .checksumMismatch(let stored, let computed):
      "the control file is damaged: its CRC is \(hexadecimal(stored)), but its bytes have \(hexadecimal(computed))"
    case .unsupportedBlockSize(let size):
      "the cluster has pages of \(size) bytes; supported are pages of \(PageLayout.blockSize)"
    case .unsupportedAlignment(let alignment):
      "the cluster aligns data to \(alignment) bytes; supported is \(PageLayout.maximumAlignment)"
    case .unsupportedFloatFormat(let bits):
      "the cluster stores floating-point numbers in another format (1234567.0 is 0x\(String(bits, radix: 16)))"
    case .unsupportedChecksumVersion(let version):
      "the cluster has page checksums of version \(version); supported is version 1, or none"
    case .invalidField(let name, let value):
      "the control file has \(value) as \(name), which cannot be"
    }
  }
}

private func hexadecimal(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
}
