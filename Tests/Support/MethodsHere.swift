import Glibc
package import MillraceIO

/// Which I/O methods this machine can run, in a build like this one.
package enum MethodsHere {
  package static let usable = IOMethodKind.real.filter { obstacle(to: $0) == nil }

  /// Why a method cannot be tried; nil where it can.
  package static func obstacle(to kind: IOMethodKind) -> String? {
    if kind == .posixAIO, isUnderThreadSanitizer {
      return "ThreadSanitizer crashes in the threads of glibc's POSIX AIO, whose start it does not see"
    }
    return MethodSelection.obstacle(to: kind)
  }

  package static let isUnderThreadSanitizer = dlsym(UnsafeMutableRawPointer(bitPattern: 0), "__tsan_init") != nil

  /// Of lists of settings those whose `io_method` can be tried.
  package static func usable(_ variants: [[String]]) -> [[String]] {
    variants.filter { settings in
      settings.allSatisfy { setting in
        guard setting.hasPrefix("io_method="), let kind = IOMethodKind(rawValue: String(setting.dropFirst(10))) else {
          return true
        }
        return obstacle(to: kind) == nil
      }
    }
  }
}
