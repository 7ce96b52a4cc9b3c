#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Names of the system's users.
public enum UserNames {
  /// The name of a user; nil where there is none of that number.
  public static func name(of userID: UInt32) -> String? {
    var size = 1024
    while size <= 1 << 20 {
      var buffer = [CChar](repeating: 0, count: size)
      let (code, name) = buffer.withUnsafeMutableBufferPointer { memory in
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        let code = memory.baseAddress.map { getpwuid_r(userID, &entry, $0, memory.count, &found) }
        return (code, found.map { String(cString: $0.pointee.pw_name) })
      }
      guard code == Optional(ERANGE) else { return name }
      size *= 2
    }
    return nil
  }

  /// The user of this process.
  public static var own: String? { name(of: geteuid()) }
}
