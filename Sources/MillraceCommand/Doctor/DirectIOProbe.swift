import Foundation
import MillraceIO

/// Whether direct I/O works at a place, found out by doing it.
struct DirectIOProbe: Encodable {
  enum Verdict: String, Encodable {
    case works, refused
    /// There was no file to try it on.
    case unknown
  }

  let verdict: Verdict
  /// Bytes.
  let memoryAlignment: Int?
  let offsetAlignment: Int?
  /// Whether the file system said so (statx) or we assume it (fallback).
  let alignmentSource: String?
  /// What it was tried on.
  let triedOn: String?
  /// Why not, or why it is not known.
  let reason: String?

  /// Tries to read and, in a directory that is not a cluster's, to write a temporary file. Leaves nothing behind and
  /// changes no file that is there.
  /// - Parameter path: a directory, a file or a block device.
  /// - Throws: ``CommandError`` when there is no such thing.
  init(_ path: String) throws {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw CommandError("could not examine \"\(path)\": \(IOError.text(of: errno))")
    }
    if status.st_mode & S_IFMT != S_IFDIR {
      guard status.st_mode & S_IFMT == S_IFREG || status.st_mode & S_IFMT == S_IFBLK else {
        throw CommandError("could not examine \"\(path)\": it is neither a directory, a file nor a block device")
      }
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw CommandError("could not examine \"\(path)\": \(IOError.text(of: errno))") }
      close(descriptor)
      self = Self.tried(onExisting: path)
      return
    }
    // Nothing is ever written into a data directory.
    let version = path + "/PG_VERSION"
    if access(version, R_OK) == 0 {
      self = Self.tried(onExisting: version)
      return
    }
    self = Self.tried(inDirectory: path)
  }

  private init(_ verdict: Verdict, _ alignment: DirectIOAlignment? = nil, on file: String?, reason: String? = nil) {
    self.verdict = verdict
    memoryAlignment = alignment?.memory
    offsetAlignment = alignment?.offset
    alignmentSource = alignment?.source.rawValue
    triedOn = file
    self.reason = reason
  }

  private static func tried(onExisting path: String) -> DirectIOProbe {
    do throws(IOError) {
      let file = try DescriptorFile.open(path, [.direct])
      defer { file.close() }
      try transfer(file, writing: false)
      return DirectIOProbe(.works, file.alignment, on: path)
    } catch {
      return DirectIOProbe(.refused, on: path, reason: error.description)
    }
  }

  private static func tried(inDirectory directory: String) -> DirectIOProbe {
    let path = "\(directory)/.millrace-doctor.\(getpid())"
    // An ordinary open first: what it refuses has nothing to do with direct I/O.
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      let obstacle = "no file can be made in \"\(directory)\" (\(IOError.text(of: errno)))"
      guard let existing = readableFile(in: directory) else {
        return DirectIOProbe(.unknown, on: nil, reason: "\(obstacle), and there is none to read; name a file instead")
      }
      return tried(onExisting: existing)
    }
    close(descriptor)
    defer { unlink(path) }
    do throws(IOError) {
      let file = try DescriptorFile.open(path, name: "a temporary file in \(directory)", [.write, .direct])
      defer { file.close() }
      unlink(path)
      try transfer(file, writing: true)
      return DirectIOProbe(.works, file.alignment, on: "a temporary file")
    } catch {
      if error.errno == ENOSPC || error.errno == EDQUOT {
        return DirectIOProbe(.unknown, on: "a temporary file", reason: error.description)
      }
      return DirectIOProbe(.refused, on: "a temporary file", reason: error.description)
    }
  }

  /// One page, in memory that is aligned for anything.
  private static func transfer(_ file: IOFile, writing: Bool) throws(IOError) {
    let engine = try IOEngine(IOConfiguration(method: .sync))
    let backend = try engine.makeBackend("doctor")
    let memory = try IOMemory(byteCount: max(8192, file.alignment.offset), hugePages: .off)
    if writing { try backend.write(file, at: 0, memory.bytes) }
    try backend.read(file, at: 0, memory.bytes)
    backend.close()
  }

  private static func readableFile(in directory: String) -> String? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.sorted().lazy.map { "\(directory)/\($0)" }.first { path in
      var status = stat()
      return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_size > 0
        && access(path, R_OK) == 0
    }
  }
}
