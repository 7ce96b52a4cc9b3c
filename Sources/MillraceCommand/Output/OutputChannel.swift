#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One descriptor that text is written to, whole pieces at a time, without a buffer of its own.
struct OutputChannel: Sendable {
  /// Why a write failed.
  struct Failure: Error, Equatable, CustomStringConvertible {
    let errorNumber: Int32

    /// The reader has closed its end of the pipe.
    var isReaderGone: Bool { errorNumber == EPIPE }

    var description: String { String(cString: strerror(errorNumber)) }
  }

  let descriptor: Int32

  var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Writes all of it. A signal in the middle does not matter, and a descriptor that somebody made non-blocking is
  /// waited for.
  func write(_ text: String) throws(Failure) {
    var text = text
    let failure = text.withUTF8 { bytes -> Failure? in
      var rest = UnsafeRawBufferPointer(bytes)[...]
      while let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
        #if canImport(Glibc)
          let count = Glibc.write(descriptor, start, rest.count)
        #elseif canImport(Darwin)
          let count = Darwin.write(descriptor, start, rest.count)
        #endif
        if count >= 0 {
          rest = rest.dropFirst(count)
        } else if errno == EAGAIN || errno == EWOULDBLOCK {
          var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          poll(&request, 1, -1)
        } else if errno != EINTR {
          return Failure(errorNumber: errno)
        }
      }
      return nil
    }
    if let failure { throw failure }
  }
}
