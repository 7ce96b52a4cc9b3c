import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The wish that the program stop, by Ctrl-C, by `kill`, or because nobody reads its output any more.
///
/// The first signal only raises a flag: long loops look at `isRequested`, clean up and return. A second signal ends the
/// program at once, as whoever pressed Ctrl-C twice wants.
enum Interruption {
  /// Thrown by a loop that stops because it was asked to. The exit status says the rest, so nothing is printed.
  struct Requested: Error {}

  /// The signal, or 0.
  private static let signalNumber = Atomic<Int32>(0)

  /// Whether the terminal's last line holds a progress bar, which a program that is killed must not leave there.
  static let statusLineIsDrawn = Atomic<Bool>(false)

  /// Whether loops should stop. One relaxed load; ask once per I/O, not once per byte.
  static var isRequested: Bool { signalNumber.load(ordering: .relaxed) != 0 }

  /// Throws if loops should stop.
  static func check() throws(Requested) {
    if isRequested { throw Requested() }
  }

  /// 130 after Ctrl-C, 143 after `kill`, 141 if nobody reads the output; nil if nobody asked to stop.
  static var exitStatus: Int32? {
    let number = signalNumber.load(ordering: .relaxed)
    return number == 0 ? nil : 128 + number
  }

  /// Asks loops to stop as that signal would. The first wish counts.
  static func request(as signal: Int32) {
    _ = signalNumber.compareExchange(expected: 0, desired: signal, ordering: .relaxed)
  }

  /// Catches SIGINT, SIGTERM and SIGHUP. A signal that the caller had ignored stays ignored, as `nohup` and shells that
  /// start jobs in the background expect.
  static func install() {
    // The handler may only touch what exists already.
    _ = signalNumber.load(ordering: .relaxed)
    _ = statusLineIsDrawn.load(ordering: .relaxed)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      var previous = sigaction()
      guard sigaction(number, nil, &previous) == 0, !isIgnored(previous) else { continue }
      var action = sigaction()
      #if canImport(Glibc)
        action.__sigaction_handler.sa_handler = handleSignal
      #elseif canImport(Darwin)
        action.__sigaction_u.__sa_handler = handleSignal
      #endif
      action.sa_flags = Int32(SA_RESTART)
      sigemptyset(&action.sa_mask)
      sigaction(number, &action, nil)
    }
  }

  private static func isIgnored(_ action: sigaction) -> Bool {
    #if canImport(Glibc)
      let handler = action.__sigaction_handler.sa_handler
    #elseif canImport(Darwin)
      let handler = action.__sigaction_u.__sa_handler
    #endif
    return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// What the signal handler does. It runs in the middle of anything, so it only touches atomics and makes system calls
  /// that signal handlers may make.
  fileprivate static func handle(_ number: Int32) {
    let (isFirst, _) = signalNumber.compareExchange(expected: 0, desired: number, ordering: .relaxed)
    if isFirst { return }
    let savedError = errno
    if statusLineIsDrawn.load(ordering: .relaxed) {
      let erase: StaticString = "\r\u{1B}[K"
      _ = write(STDERR_FILENO, erase.utf8Start, erase.utf8CodeUnitCount)
    }
    // The signal is blocked while its handler runs; it strikes on return.
    signal(number, SIG_DFL)
    raise(number)
    errno = savedError
  }
}

/// A C function, which is what the system calls.
private func handleSignal(_ number: Int32) {
  Interruption.handle(number)
}
