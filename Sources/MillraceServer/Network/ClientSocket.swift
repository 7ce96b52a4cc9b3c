#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
import MillraceIO
import MillraceStorage
import NIOCore

/// The socket of a client without TLS, which its session's thread reads and writes itself: to answer a message takes
/// two system calls and no other thread. Used by the session's thread; ``interrupt()`` by any while it is open.
final class ClientSocket: @unchecked Sendable {
  // Safe because only the session's thread touches what changes, and the descriptor is constant.

  /// How long a thread waits for a session's next message before it gives the session up, in milliseconds. Long enough
  /// that a client which goes on at once finds the thread there, and so short that sessions which are idle have none.
  static let lingerMilliseconds = 20
  /// Bytes that are read at a time, at first, and from a client that sends much.
  static let readSizes = 8 << 10...128 << 10

  let descriptor: Int32
  private var framer: MessageFramer
  private var readSize = ClientSocket.readSizes.lowerBound
  /// How often in a row the client has gone on at once when the session had given its thread back.
  private var quickCount = 0
  private var idleSince: UInt64 = 0

  /// Whether the client is likely to go on at once.
  var isBusy: Bool { quickCount >= 2 }

  /// - Parameters:
  ///   - descriptor: blocking; closed by ``close()``.
  ///   - framer: with what has been read of it already.
  init(_ descriptor: Int32, _ framer: MessageFramer) {
    (self.descriptor, self.framer) = (descriptor, framer)
    self.framer.keepsMemory = true
    var limit = timeval(tv_sec: 0, tv_usec: .init(Self.lingerMilliseconds * 1000))
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  // MARK: In

  enum Arrival {
    case bytes, nothing, end
  }

  /// The next message of those that have been read.
  func nextFrame(isAuthenticated: Bool) throws(FramingError) -> Frame? {
    try framer.next(isAuthenticated: isAuthenticated)
  }

  /// Reads what has come; waits for it some milliseconds if it may.
  func receive(waits: Bool) -> Arrival {
    let flags = waits ? 0 : Int32(MSG_DONTWAIT)
    let (descriptor, readSize) = (descriptor, readSize)
    var (count, failure): (Int, Int32) = (0, 0)
    repeat {
      count = framer.read(upTo: readSize) { memory in
        let count = recv(descriptor, memory.baseAddress, memory.count, flags)
        // At once, before anything else that is called has an error of its own.
        if count < 0 { failure = errno }
        return count
      }
    } while count < 0 && failure == EINTR
    if count == readSize { self.readSize = min(readSize * 2, Self.readSizes.upperBound) }
    if count > 0 { return .bytes }
    return count < 0 && (failure == EAGAIN || failure == EWOULDBLOCK) ? .nothing : .end
  }

  /// Waits until there is something to read.
  /// - Parameter milliseconds: at most; negative for ever.
  func waitForInput(milliseconds: Int32) { wait(Int16(POLLIN), milliseconds) }

  // MARK: Out

  /// Sends what the client takes at once.
  /// - Returns: bytes; negative where the client is gone.
  func send(_ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Glibc)
      let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
    #else
      let flags = Int32(MSG_DONTWAIT)
    #endif
    while true {
      let count = Foreign.send(descriptor, bytes, flags)
      if count >= 0 { return count }
      if errno == EAGAIN || errno == EWOULDBLOCK { return 0 }
      if errno != EINTR { return -1 }
    }
  }

  /// Waits until something can be sent.
  func waitForRoom(milliseconds: Int32) { wait(Int16(POLLOUT), milliseconds) }

  private func wait(_ events: Int16, _ milliseconds: Int32) {
    var polled = pollfd(fd: descriptor, events: events, revents: 0)
    _ = poll(&polled, 1, milliseconds)
  }

  // MARK: Threads

  /// The session gives its thread back.
  func beginIdle() {
    framer.releaseMemory()
    readSize = Self.readSizes.lowerBound
    idleSince = monotonicNanoseconds()
  }

  /// The session has a thread again.
  func endIdle() {
    guard idleSince > 0 else { return }
    let isQuick = monotonicNanoseconds() - idleSince < UInt64(Self.lingerMilliseconds) * 1_000_000
    (quickCount, idleSince) = (isQuick ? quickCount + 1 : 0, 0)
  }

  /// Has whoever waits for input look again, now and from now on: nothing is read any more.
  func interrupt() { shutdown(descriptor, Int32(SHUT_RD)) }

  func close() { Foreign.close(descriptor) }
}

/// The system's functions whose names are methods' here.
private enum Foreign {
  static func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer, _ flags: Int32) -> Int {
    #if canImport(Glibc)
      Glibc.send(socket, bytes.baseAddress, bytes.count, flags)
    #else
      Darwin.send(socket, bytes.baseAddress, bytes.count, flags)
    #endif
  }

  static func close(_ descriptor: Int32) {
    #if canImport(Glibc)
      _ = Glibc.close(descriptor)
    #else
      _ = Darwin.close(descriptor)
    #endif
  }
}
