#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
import MillraceSettings
import NIOSSL

/// The server's certificate and key, from the files that the settings name (src/backend/libpq/be-secure-openssl.c).
enum TLSFiles {
  /// What a client that begins with TLS at once must ask for (ALPN), so that a browser's request is not taken for one.
  static let applicationProtocol = "postgresql"

  /// - Parameter directory: the data directory, where file names without a path are.
  /// - Throws: FATAL: a file that cannot be read, a key that others can, or a certificate that it does not fit.
  static func context(_ settings: Settings, directory: String) throws(ErrorReport) -> NIOSSLContext {
    let certificatePath = path(settings[.sslCertFile], directory)
    let keyPath = path(settings[.sslKeyFile], directory)
    try checkKeyPermissions(keyPath)
    let certificates: [NIOSSLCertificate]
    do {
      certificates = try NIOSSLCertificate.fromPEMFile(certificatePath)
    } catch {
      throw problem("could not load server certificate file \"\(certificatePath)\": \(error)")
    }
    let key: NIOSSLPrivateKey
    do {
      key = try NIOSSLPrivateKey(file: keyPath, format: .pem)
    } catch {
      throw problem("could not load private key file \"\(keyPath)\": \(error)")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.applicationProtocols = [applicationProtocol]
    configuration.minimumTLSVersion = settings[.sslMinProtocolVersion].version
    configuration.maximumTLSVersion = settings[.sslMaxProtocolVersion].version?.version
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw problem("could not create SSL context: \(error)")
    }
  }

  private static func path(_ name: String, _ directory: String) -> String {
    name.hasPrefix("/") ? name : "\(directory)/\(name)"
  }

  /// A key that others can read is not secret (`check_ssl_key_file_permissions`).
  private static func checkKeyPermissions(_ path: String) throws(ErrorReport) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw problem("could not access private key file \"\(path)\": \(String(cString: strerror(errno)))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw problem("private key file \"\(path)\" is not a regular file")
    }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw problem("private key file \"\(path)\" must be owned by the database user or root")
    }
    let forbidden = status.st_uid == 0 && geteuid() != 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO
    guard status.st_mode & forbidden == 0 else {
      throw ErrorReport(
        .fatal, .configurationFileError, "private key file \"\(path)\" has group or world access",
        detail: "File must have permissions u=rw (0600) or less if owned by the database user, or permissions u=rw,g=r"
          + " (0640) or less if owned by root.")
    }
  }

  private static func problem(_ message: String) -> ErrorReport {
    ErrorReport(.fatal, .configurationFileError, message)
  }
}

extension TLSVersionSetting {
  fileprivate var version: TLSVersion {
    switch self {
    case .tlsv1: .tlsv1
    case .tlsv11: .tlsv11
    case .tlsv12: .tlsv12
    case .tlsv13: .tlsv13
    }
  }
}
