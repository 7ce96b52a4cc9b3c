import MillraceEngine
import MillraceTypes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file of the server's machine that COPY reads or writes.
final class CopyFile: CopyInput {
  private let path: String
  private let descriptor: Int32
  private var buffer: [UInt8]

  /// Bytes that are read or written at a time.
  static let pieceSize = 1 << 16

  init(reading path: String) throws(SQLError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    buffer = [UInt8](repeating: 0, count: Self.pieceSize)
    guard descriptor >= 0 else { throw Self.failure("could not open file \"\(path)\" for reading") }
  }

  init(writing path: String) throws(SQLError) {
    self.path = path
    guard path.hasPrefix("/") else {
      throw SQLError(.invalidName, "relative path not allowed for COPY to file")
    }
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    buffer = []
    guard descriptor >= 0 else { throw Self.failure("could not open file \"\(path)\" for writing") }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  private static func failure(_ what: String) -> SQLError {
    SQLError(
      errno == ENOENT ? .undefinedFile : .ioError, "\(what): \(String(cString: strerror(errno)))",
      hint: errno == ENOENT
        ? "COPY FROM instructs the server process to read a file. You may want a client-side facility such as "
          + "psql's \\copy." : nil)
  }

  func next() throws(SQLError) -> ByteView? {
    let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    guard count >= 0 else { throw Self.failure("could not read file \"\(path)\"") }
    guard count > 0 else { return nil }
    // The array keeps its memory where it is: it is written to by the next call at the earliest.
    return buffer.withUnsafeBytes { ByteView(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(SQLError) {
    var rest = bytes
    while rest.count > 0 {
      let count = Self.write(descriptor, rest)
      guard count > 0 else { throw Self.failure("could not write to file \"\(path)\"") }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Glibc)
      Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    #else
      Darwin.write(descriptor, bytes.baseAddress, bytes.count)
    #endif
  }
}
