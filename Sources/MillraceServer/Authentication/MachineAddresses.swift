#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
import NIOCore

/// What this machine knows of addresses: its own, and the names of others.
struct MachineAddresses: Sendable {
  struct Interface: Sendable {
    let address: IPAddress
    let mask: [UInt8]
  }

  let interfaces: [Interface]
  /// The name of an address, and the addresses of a name.
  private let names: @Sendable (IPAddress) -> String?
  private let addresses: @Sendable (String) -> [IPAddress]

  init(
    interfaces: [Interface], names: @escaping @Sendable (IPAddress) -> String?,
    addresses: @escaping @Sendable (String) -> [IPAddress]
  ) {
    (self.interfaces, self.names, self.addresses) = (interfaces, names, addresses)
  }

  /// As the system has them now.
  static func system() -> MachineAddresses {
    let devices = (try? System.enumerateDevices()) ?? []
    let interfaces = devices.compactMap { device -> Interface? in
      guard let address = device.address.flatMap({ IPAddress($0.ipAddress ?? "") }) else { return nil }
      let mask = device.netmask.flatMap { IPAddress($0.ipAddress ?? "") }?.bytes
      return Interface(address: address, mask: mask ?? IPAddress.mask(128, isVersion6: address.isVersion6))
    }
    return MachineAddresses(interfaces: interfaces, names: NameService.name, addresses: NameService.addresses)
  }

  /// Whether an address has a name (or is in a domain), by a look-up in both directions: whoever rules over the names
  /// of his addresses does not rule over those of others.
  func isName(_ wanted: String, of address: IPAddress) -> Bool {
    guard let found = names(address)?.lowercased() else { return false }
    let wanted = wanted.lowercased()
    guard wanted.hasPrefix(".") ? found.hasSuffix(wanted) : found == wanted else { return false }
    return addresses(found).contains(address)
  }
}

/// The system's look-ups of names. They can take seconds.
enum NameService {
  static func name(of address: IPAddress) -> String? {
    guard let socket = try? SocketAddress(ipAddress: address.description, port: 0) else { return nil }
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let code = socket.withSockAddr { pointer, size in
      getnameinfo(pointer, socklen_t(size), &host, socklen_t(host.count), nil, 0, NI_NAMEREQD)
    }
    guard code == 0 else { return nil }
    return String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  static func addresses(of name: String) -> [IPAddress] {
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, nil, nil, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var found: [IPAddress] = []
    var next = list
    while let entry = next?.pointee {
      var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      if getnameinfo(entry.ai_addr, entry.ai_addrlen, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0 {
        let text = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let address = IPAddress(text), !found.contains(address) { found.append(address) }
      }
      next = entry.ai_next
    }
    return found
  }
}
