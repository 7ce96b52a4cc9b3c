import Foundation

/// A small file system of its own, in a file: what is full, and when, is up to the test.
package final class LoopMount: Sendable {
  package let path: String
  private let temporary: TemporaryDirectory
  private let aftermath: Aftermath

  /// Why it cannot be had here; nil where it can.
  package static let obstacle: String? = {
    if geteuid() != 0 { return "needs root" }
    guard let mount = try? LoopMount(megabytes: 8) else { return "needs loop devices and ext4" }
    return access(mount.path, W_OK) == 0 ? nil : "needs to be able to mount"
  }()

  package init(megabytes: Int) throws {
    temporary = try TemporaryDirectory()
    path = temporary.path + "/mount"
    try temporary.createDirectory("mount")
    aftermath = Aftermath("umount -l '\(path)'")
    try temporary.writeSparse(length: UInt64(megabytes) << 20, to: "image")
    // Without a journal and reserved blocks, so that what is free can be used.
    try Self.run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", temporary.path + "/image")
    try Self.run("mount", "-o", "loop", temporary.path + "/image", path)
  }

  deinit {
    try? Self.run("umount", "-l", path)
  }

  private static func run(_ words: String...) throws {
    let outcome = try ChildProcess.run(
      ["/usr/bin/env"] + words, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
    guard outcome.status == 0 else { throw POSIXError(.EIO) }
  }

  /// Bytes that can still be written.
  package var freeBytes: Int {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return 0 }
    return Int(status.f_bavail) * Int(status.f_frsize)
  }

  /// Fills it up to a rest, with a file that ``free()`` removes.
  package func fill(leaving rest: Int) throws {
    let descriptor = open(path + "/ballast", O_WRONLY | O_CREAT, 0o600)
    guard descriptor >= 0 else { throw POSIXError(.EIO) }
    defer { close(descriptor) }
    let length = freeBytes - rest
    guard length <= 0 || posix_fallocate(descriptor, 0, off_t(length)) == 0 else { throw POSIXError(.ENOSPC) }
  }

  package func free() throws { try FileManager.default.removeItem(atPath: path + "/ballast") }
}
