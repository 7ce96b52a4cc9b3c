import CMillrace
import Glibc
import Logging

/// Finds out which methods can run here, and why the others cannot.
public enum MethodSelection {
  /// Why a method cannot run, in one sentence that ends with what cures it. Nil when it can.
  public static func obstacle(to kind: IOMethodKind) -> String? {
    switch kind {
    case .sync, .worker, .auto, .simulation: nil
    case .ioUring: MethodUring.obstacle()
    case .posixAIO: MethodPosixAIO.obstacle()
    }
  }

  /// What `auto` chooses here.
  public static func automatic() -> (kind: IOMethodKind, because: String?) {
    guard let obstacle = obstacle(to: .ioUring) else { return (.ioUring, nil) }
    return (.worker, obstacle)
  }

  /// Makes the method of a configuration.
  /// - Throws: ``IOError`` `.methodUnavailable` when one is named that cannot run.
  static func make(_ configuration: IOConfiguration) throws(IOError) -> IOMethod {
    var kind = configuration.method
    if kind == .auto {
      let choice = automatic()
      kind = choice.kind
      if let because = choice.because {
        configuration.logger.warning("io_method=auto uses \(kind) because \(because)")
      }
    } else if let obstacle = obstacle(to: kind) {
      throw IOError(.methodUnavailable, message: "io_method=\(kind) cannot run: \(obstacle)")
    }
    switch kind {
    case .sync: return MethodSync(configuration)
    case .worker, .auto: return MethodWorker(configuration)
    case .ioUring: return MethodUring(configuration)
    case .posixAIO: return MethodPosixAIO(configuration)
    case .simulation:
      throw IOError(.methodUnavailable, message: "io_method=simulation runs only in an engine that a simulation makes")
    }
  }
}
