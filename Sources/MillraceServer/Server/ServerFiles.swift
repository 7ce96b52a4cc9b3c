import MillraceSettings
import NIOSSL

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the server reads besides its settings: the rules of who is let in, certificates and keys. Read at the start and
/// at each reload.
struct ServerFiles: Sendable {
  let rules: HBAFile
  /// Nil where connections are not encrypted.
  let tls: NIOSSLContext?

  /// - Throws: FATAL: a file that cannot be read or makes no sense.
  init(_ settings: Settings, directory: String) throws(ErrorReport) {
    let text = Self.read("\(directory)/\(HBAFile.name)")
    do throws(HBAError) {
      rules = try HBAFile(
        text ?? HBAFile.usual, ident: Self.read("\(directory)/\(HBAFile.identName)"),
        read: { Self.read($0.hasPrefix("/") ? $0 : "\(directory)/\($0)") })
    } catch {
      throw ErrorReport(
        .fatal, .configurationFileError, "could not load \(directory)/\(HBAFile.name)",
        detail: "\(error.description).")
    }
    tls = settings[.ssl] ? try TLSFiles.context(settings, directory: directory) : nil
  }

  private static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = Glibc.read(descriptor, &piece, piece.count)
      guard count > 0 else { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
      bytes += piece[..<count]
    }
  }
}
