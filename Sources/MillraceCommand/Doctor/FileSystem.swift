import Foundation

/// The file system that a path is on.
struct FileSystem: Encodable {
  /// ext4, xfs, tmpfs, fuse.sshfs…
  let type: String
  /// The device, or what it calls itself.
  let source: String
  let mountPoint: String
  let isReadOnly: Bool
  /// Bytes that are free for us.
  let freeBytes: Int

  /// Memory and not a device: direct I/O there, where it is possible at all, means nothing.
  var isMemory: Bool { type == "tmpfs" || type == "ramfs" }

  /// - Parameter path: of something that is there.
  init(of path: String) {
    var status = statvfs()
    let isKnown = statvfs(path, &status) == 0
    freeBytes = isKnown ? Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize)) : 0
    isReadOnly = isKnown && UInt(status.f_flag) & UInt(ST_RDONLY) != 0
    let mount = Self.mount(of: path)
    type = mount?.type ?? "unknown"
    source = mount?.source ?? "unknown"
    mountPoint = mount?.point ?? "/"
  }

  private struct Mount {
    let point, type, source: String

    /// A line of mountinfo (proc(5)): `36 35 98:0 /root /point options optional… - type source options`.
    init?(_ line: Substring) {
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), dash + 2 < fields.count, fields.count > 4 else { return nil }
      point = Self.unescaped(fields[4])
      type = String(fields[dash + 1])
      source = Self.unescaped(fields[dash + 2])
    }

    /// Blanks and the like stand there as a backslash and three octal digits.
    private static func unescaped(_ text: Substring) -> String {
      var bytes: [UInt8] = []
      var rest = text.utf8[...]
      while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "\\"), let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
          bytes.append(code)
          rest = rest.dropFirst(3)
        } else {
          bytes.append(byte)
        }
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// The mount whose point is the longest beginning of the path; of several at one point the last, which hides the
  /// others.
  private static func mount(of path: String) -> Mount? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    let place = String(cString: resolved)
    var found: Mount?
    for line in (SystemFile.text("/proc/self/mountinfo") ?? "").split(separator: "\n") {
      guard let mount = Mount(line) else { continue }
      let prefix = mount.point.hasSuffix("/") ? mount.point : mount.point + "/"
      guard (place + "/").hasPrefix(prefix), mount.point.utf8.count >= found?.point.utf8.count ?? 0 else { continue }
      found = mount
    }
    return found
  }
}
