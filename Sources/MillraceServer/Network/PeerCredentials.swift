#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
import NIOCore

/// Whose process is at the other end of a Unix socket, as the kernel says (Linux's `struct ucred`).
struct PeerCredentials: Sendable {
  let processID: Int32
  let userID: UInt32
  let groupID: UInt32

  /// - Returns: nil where the system does not tell.
  static func userID(of channel: any Channel) -> EventLoopFuture<UInt32?> {
    #if canImport(Glibc)
      guard let provider = channel as? any SocketOptionProvider else {
        return channel.eventLoop.makeSucceededFuture(nil)
      }
      let credentials: EventLoopFuture<PeerCredentials> = provider.unsafeGetSocketOption(
        level: SocketOptionLevel(SOL_SOCKET), name: SocketOptionName(SO_PEERCRED))
      return credentials.map { Optional($0.userID) }.flatMapErrorThrowing { _ in nil }
    #else
      return channel.eventLoop.makeSucceededFuture(nil)
    #endif
  }
}
