#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An address of the Internet Protocol, version 4 or 6: its bytes in network order.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  /// 4 or 16.
  let bytes: [UInt8]

  init(bytes: [UInt8]) {
    precondition(bytes.count == 4 || bytes.count == 16, "an IP address has 4 or 16 bytes")
    self.bytes = bytes
  }

  /// Reads `127.0.0.1` or `::1`.
  public init?(_ text: some StringProtocol) {
    let text = String(text)
    for (family, length) in [(AF_INET, 4), (AF_INET6, 16)] {
      var bytes = [UInt8](repeating: 0, count: length)
      if inet_pton(family, text, &bytes) == 1 {
        self.bytes = bytes
        return
      }
    }
    return nil
  }

  public var isVersion6: Bool { bytes.count == 16 }

  /// The bits that the addresses of one network have in common.
  var bitCount: Int { bytes.count * 8 }

  /// Whether it is this machine's own, that no other machine can reach.
  public var isLoopback: Bool {
    if !isVersion6 { return bytes[0] == 127 }
    if let mapped = version4 { return mapped.isLoopback }
    return bytes == [UInt8](repeating: 0, count: 15) + [1]
  }

  /// What an IPv6 socket calls `::ffff:1.2.3.4`.
  var version4: IPAddress? {
    guard isVersion6, bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF else { return nil }
    return IPAddress(bytes: Array(bytes[12...]))
  }

  public var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = isVersion6 ? AF_INET6 : AF_INET
    guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "?" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether it is in a network.
  func isIn(_ network: IPAddress, mask: [UInt8]) -> Bool {
    guard bytes.count == network.bytes.count, mask.count == bytes.count else { return false }
    return bytes.indices.allSatisfy { bytes[$0] & mask[$0] == network.bytes[$0] & mask[$0] }
  }

  /// A mask whose first bits are set.
  static func mask(_ length: Int, isVersion6: Bool) -> [UInt8] {
    (0..<(isVersion6 ? 16 : 4)).map { index in
      let bits = min(max(length - index * 8, 0), 8)
      return UInt8(truncatingIfNeeded: 0xFF00 >> bits)
    }
  }
}

/// Where a client is.
public enum ClientAddress: Hashable, Sendable, CustomStringConvertible {
  /// On this machine, at the Unix socket. Whose process it is, by the number of its user; nil where the system did not
  /// say.
  case local(userID: UInt32?)
  case network(IPAddress, port: Int)

  /// As messages name it.
  public var description: String {
    switch self {
    case .local: "[local]"
    case .network(let address, _): "\(address)"
    }
  }
}
