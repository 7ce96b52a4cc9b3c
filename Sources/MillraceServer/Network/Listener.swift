#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
import MillraceIO
import MillraceSettings
import NIOCore
import NIOPosix

/// The sockets on which a server waits for clients (`PostmasterMain`, src/backend/postmaster/postmaster.c).
final class Listener: Sendable {
  private let services: SessionServices
  private let group: MultiThreadedEventLoopGroup
  private let settings: Settings
  private let dataDirectory: String
  private let time: Int64
  private let open = Locked<(channels: [any Channel], locks: [SocketLock])>(([], []))

  init(
    _ services: SessionServices, _ group: MultiThreadedEventLoopGroup, _ configuration: ServerConfiguration
  ) {
    (self.services, self.group, settings) = (services, group, configuration.settings)
    (dataDirectory, time) = (configuration.dataDirectory, configuration.clock())
  }

  /// Where it listens: IP addresses with ports, and paths.
  var places: [String] {
    open.withLock { open in
      open.channels.compactMap { channel in
        guard let address = channel.localAddress else { return nil }
        return address.pathname ?? "\(address.ipAddress ?? "?"):\(address.port ?? 0)"
      }
    }
  }

  /// The port, also where 0 was asked for.
  var port: Int? { open.withLock { $0.channels.lazy.compactMap { $0.localAddress?.port }.first } }

  // MARK: Opening

  /// - Parameter port: instead of the settings'; 0 for any that is free, for TCP.
  /// - Throws: FATAL: no socket can be had, or one that must not be.
  func open(port: Int?) async throws(ErrorReport) {
    let port = port ?? settings[.port]
    let directories = Self.list(settings[.unixSocketDirectories])
    let names = Self.list(settings[.listenAddresses])
    let addresses = try addresses(of: names)
    if addresses.contains(where: { !$0.isLoopback }), !(try services.provider.hasPasswords()) {
      throw ErrorReport(
        .fatal, .invalidParameterValue,
        "no role has a password, so \"listen_addresses\" can name this machine's loopback addresses only",
        hint: "Give a role a password with \"millrace password\", or set listen_addresses to \"localhost\".")
    }
    var bound = 0
    var failure: ErrorReport?
    var usedPort = port
    for address in addresses {
      do throws(ErrorReport) {
        usedPort = try await bind(address, usedPort)
        bound += 1
      } catch {
        services.log(error.with(.warning))
        failure = failure ?? error
      }
    }
    if bound == 0, let failure { throw failure.with(.fatal) }
    for directory in directories { try await bind(directory: directory, usedPort) }
    guard bound > 0 || !directories.isEmpty else {
      throw ErrorReport(.fatal, .invalidParameterValue, "no socket created for listening")
    }
  }

  private static func list(_ text: String) -> [String] {
    text.split(separator: ",").map { part in
      var part = part.drop { $0 == " " }
      while part.last == " " { part.removeLast() }
      return part.first == "\"" && part.last == "\"" && part.count > 1
        ? String(part.dropFirst().dropLast()) : String(part)
    }.filter { !$0.isEmpty }
  }

  private func addresses(of names: [String]) throws(ErrorReport) -> [IPAddress] {
    var result: [IPAddress] = []
    for name in names {
      let found: [IPAddress]
      switch name {
      case "*": found = [IPAddress("0.0.0.0"), IPAddress("::")].compactMap { $0 }
      default: found = IPAddress(name).map { [$0] } ?? NameService.addresses(of: name)
      }
      if found.isEmpty {
        services.log(
          ErrorReport(.warning, .invalidParameterValue, "could not translate host name \"\(name)\" to address"))
      }
      for address in found where !result.contains(address) { result.append(address) }
    }
    guard !result.isEmpty || names.isEmpty else {
      throw ErrorReport(.fatal, .invalidParameterValue, "could not create any TCP/IP sockets")
    }
    return result
  }

  private func bind(_ address: IPAddress, _ port: Int) async throws(ErrorReport) -> Int {
    let kind = address.isVersion6 ? "IPv6" : "IPv4"
    do {
      var bootstrap = bootstrap(isLocal: false)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      if address.isVersion6 {
        // The other version has a socket of its own.
        bootstrap = bootstrap.serverChannelOption(
          .socket(SocketOptionLevel(IPPROTO_IPV6), SocketOptionName(IPV6_V6ONLY)), value: 1)
      }
      let channel = try await bootstrap.bind(host: address.description, port: port).get()
      open.withLock { $0.channels.append(channel) }
      let port = channel.localAddress?.port ?? port
      services.note("listening on \(kind) address \"\(address)\", port \(port)")
      return port
    } catch {
      throw ErrorReport(
        .fatal, .ioError, "could not bind \(kind) address \"\(address)\": \(Self.reason(error))",
        hint: "Is another postmaster already running on port \(port)? If not, wait a few seconds and retry.")
    }
  }

  private func bind(directory: String, _ port: Int) async throws(ErrorReport) {
    let lock = try SocketLock(directory: directory, port: port, dataDirectory: dataDirectory, time: time)
    do {
      let channel = try await bootstrap(isLocal: true)
        .bind(unixDomainSocketPath: lock.socket, cleanupExistingSocketFile: true).get()
      lock.openToAll()
      open.withLock { open in
        open.channels.append(channel)
        open.locks.append(lock)
      }
      services.note("listening on Unix socket \"\(lock.socket)\"")
    } catch {
      lock.release()
      throw ErrorReport(.fatal, .ioError, "could not bind Unix address \"\(lock.socket)\": \(Self.reason(error))")
    }
  }

  private static func reason(_ error: any Error) -> String {
    (error as? NIOCore.IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
  }

  // MARK: Clients

  private func bootstrap(isLocal: Bool) -> ServerBootstrap {
    let services = services
    var bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 128)
      .childChannelOption(.autoRead, value: false)
      .childChannelInitializer { channel in
        isLocal ? Self.acceptLocal(channel, services) : Self.accept(channel, services)
      }
    guard !isLocal else { return bootstrap }
    bootstrap = bootstrap.childChannelOption(.socketOption(.so_keepalive), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
    for (name, value) in keepalives where value > 0 {
      bootstrap = bootstrap.childChannelOption(
        .socket(SocketOptionLevel(IPPROTO_TCP), SocketOptionName(name)), value: SocketOptionValue(value))
    }
    return bootstrap
  }

  private var keepalives: [(name: Int32, value: Int)] {
    var options: [(name: Int32, value: Int)] = [
      (TCP_KEEPINTVL, settings[.tcpKeepalivesInterval]), (TCP_KEEPCNT, settings[.tcpKeepalivesCount]),
    ]
    #if canImport(Glibc)
      options.append((TCP_KEEPIDLE, settings[.tcpKeepalivesIdle]))
      options.append((TCP_USER_TIMEOUT, settings[.tcpUserTimeout]))
    #endif
    return options
  }

  private static func accept(_ channel: any Channel, _ services: SessionServices) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      guard !services.isFlooded, let remote = channel.remoteAddress,
        let address = IPAddress(remote.ipAddress?.split(separator: "%").first.map(String.init) ?? "")
      else { throw ChannelError.inappropriateOperationForState }
      let handler = ConnectionHandler(services, .network(address, port: remote.port ?? 0), channel)
      try channel.pipeline.syncOperations.addHandler(handler)
    }
  }

  private static func acceptLocal(_ channel: any Channel, _ services: SessionServices) -> EventLoopFuture<Void> {
    PeerCredentials.userID(of: channel).flatMapThrowing { userID in
      guard !services.isFlooded else { throw ChannelError.inappropriateOperationForState }
      let handler = ConnectionHandler(services, .local(userID: userID), channel)
      try channel.pipeline.syncOperations.addHandler(handler)
    }
  }

  // MARK: Closing

  /// Takes no more connections. Those that are there stay.
  func close() async {
    let (channels, locks) = open.withLock { open in
      defer { open = ([], []) }
      return (open.channels, open.locks)
    }
    for channel in channels { try? await channel.close() }
    for lock in locks { lock.release() }
  }
}
