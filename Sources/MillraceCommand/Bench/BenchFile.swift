import Foundation
import MillraceIO

/// The file that `bench io` works on: an existing one, or one that is made for the run and removed afterwards.
final class BenchFile {
  let path: String
  /// Bytes of it that are used.
  let size: Int
  /// Whether it was made for this run.
  let isOurs: Bool

  /// Uses an existing file, or makes one filled with bytes that do not compress.
  /// - Parameters:
  ///   - forWriting: then an existing file is refused unless `force` says that it may be overwritten.
  init(_ path: String, size: Int, forWriting: Bool, force: Bool) throws {
    self.path = path
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG || status.st_mode & S_IFMT == S_IFBLK else {
        throw CommandError("\"\(path)\" is not a regular file or block device; name one with --file")
      }
      guard !forWriting || force else {
        throw CommandError("\"\(path)\" exists and would be overwritten; name a new file, or say --force")
      }
      isOurs = false
      let file = try DescriptorFile.open(path, [])
      defer { file.close() }
      let existing = Int(try file.size())
      self.size = forWriting && status.st_mode & S_IFMT == S_IFREG ? min(size, max(existing, 0)) : min(size, existing)
    } else {
      guard errno == ENOENT else {
        throw IOError(.systemCall, errno: errno, message: "could not look at \"\(path)\"")
      }
      isOurs = true
      self.size = size
      do {
        try Self.fill(path, size: size)
      } catch {
        unlink(path)
        throw error
      }
    }
  }

  deinit { if isOurs { unlink(path) } }

  private static func fill(_ path: String, size: Int) throws {
    let bar = ProgressBar("fill", bytesTotal: size, style: .choose(flag: nil))
    defer { bar.finish() }
    let file = try DescriptorFile.open(path, [.write, .create, .exclusive])
    defer { file.close() }
    let engine = try IOEngine(IOConfiguration(method: .sync))
    let backend = try engine.makeBackend("fill")
    let memory = try IOMemory(byteCount: 1 << 20)
    let words = memory.bytes.bindMemory(to: UInt64.self)
    var random = XorShift(seed: 42)
    var offset = 0
    while offset < size {
      try Interruption.check()
      for index in words.indices { words[index] = random.next() }
      let piece = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<min(memory.byteCount, size - offset)])
      try backend.write(file, at: Int64(offset), piece)
      offset += piece.count
      bar.add(piece.count)
    }
    // Direct reads of what is still dirty would wait for its write-back.
    try backend.synchronize(file)
  }
}

/// Why a command cannot do what it was asked to: one sentence that says what to do.
struct CommandError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
