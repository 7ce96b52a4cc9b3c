import Foundation

extension OutputFile {
  /// Refuses a path that ``write(_:to:)`` would fail on, before hours of measuring: no such directory, no permission, a
  /// file system that is read-only, something at that place that is not a file.
  static func check(_ path: String) throws(CommandError) {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw CommandError("could not write file \"\(path)\": it is there and not a regular file")
      }
    }
    // What the file will be written as, beside its place.
    let trial = "\(path).\(getpid()).tmp"
    let descriptor = open(trial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw CommandError("could not write file \"\(path)\": \(String(cString: strerror(errno)))")
    }
    close(descriptor)
    unlink(trial)
  }
}
