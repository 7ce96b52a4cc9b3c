import Foundation

/// How progress is shown.
enum ProgressStyle: Equatable {
  case silent
  /// One line that is redrawn in place.
  case bar
  /// A line for every tenth, for logs.
  case lines

  /// - Parameters:
  ///   - flag: `--progress` (true), `--no-progress` (false) or neither (nil).
  ///   - isTerminal: Whether standard error is a terminal that can redraw a line.
  static func choose(flag: Bool?, isTerminal: Bool) -> ProgressStyle {
    switch (flag, isTerminal) {
    case (false, _), (nil, false): .silent
    case (nil, true), (true, true): .bar
    case (true, false): .lines
    }
  }

  /// The style for this run of the program.
  static func choose(flag: Bool?) -> ProgressStyle {
    choose(flag: flag, isTerminal: TerminalLine.isUsable(environment: ProcessInfo.processInfo.environment))
  }
}

/// What is known about the terminal behind standard error.
enum TerminalLine {
  /// Whether it is a terminal that can go back to the start of a line and erase it.
  static func isUsable(environment: [String: String]) -> Bool {
    isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb"
  }

  /// Whether the locale says that it shows Unicode.
  static func isUnicode(environment: [String: String]) -> Bool {
    // The first one set decides, as in `setlocale`.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty }
    let lowered = locale?.lowercased() ?? ""
    return lowered.contains("utf-8") || lowered.contains("utf8")
  }

  /// Columns that a line may fill. Three are left free: some terminals wrap at the last one, and Ctrl-C is shown as
  /// two characters behind the line.
  static var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 77 }
    return max(0, Int(size.ws_col) - 3)
  }

  /// Whether this program owns the terminal. One that was put into the background should not draw on it.
  static var isForeground: Bool {
    let owner = tcgetpgrp(STDERR_FILENO)
    return owner == -1 || owner == getpgrp()
  }
}
