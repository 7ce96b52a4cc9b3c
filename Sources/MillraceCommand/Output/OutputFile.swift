import Foundation

/// A file that is there whole or not at all.
enum OutputFile {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Writes the text beside `path` and renames it into place, so that a failure leaves neither half a file nor the loss
  /// of an older one.
  static func write(_ text: String, to path: String) throws(Failure) {
    let temporaryPath = "\(path).\(getpid()).tmp"
    let descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(path, errno) }
    do throws(OutputChannel.Failure) {
      try OutputChannel(descriptor: descriptor).write(text)
    } catch {
      close(descriptor)
      unlink(temporaryPath)
      throw failure(path, error.errorNumber)
    }
    // A quota or a network file system may refuse as late as here.
    guard close(descriptor) == 0, rename(temporaryPath, path) == 0 else {
      let errorNumber = errno
      unlink(temporaryPath)
      throw failure(path, errorNumber)
    }
  }

  private static func failure(_ path: String, _ errorNumber: Int32) -> Failure {
    Failure(description: "could not write file \"\(path)\": \(String(cString: strerror(errorNumber)))")
  }
}
