import Foundation
import Millrace
import MillraceIO

/// A fresh directory for the demonstration's database, removed when the last reference goes unless it is to be kept.
final class DemoDirectory {
  private let directory: OwnedDirectory
  var path: String { directory.path }
  /// Whether files in it can be opened for direct I/O.
  let isDirect: Bool
  /// Whether it stays: to be set once all has gone well.
  var isKept = false

  /// Makes the directory.
  /// - Parameters:
  ///   - parent: where; nil takes the first of the system's places for temporary files that has room and direct I/O.
  ///   - byteCount: what will be written.
  /// - Throws: ``CommandError``.
  init(below parent: String?, byteCount: Int) throws {
    let place = try parent.map { try Place($0) } ?? Self.chosen(byteCount: byteCount)
    guard place.fileSystem.freeBytes > byteCount + Self.reserve else {
      throw CommandError(
        "\"\(place.path)\" has \(Format.bytes(place.fileSystem.freeBytes)) free, too little for a table of"
          + " \(Format.bytes(byteCount)); give a smaller --size or another --directory")
    }
    if place.fileSystem.isMemory {
      Output.warningLine(
        "\"\(place.path)\" is on \(place.fileSystem.type), which is memory: the figures say nothing about a disk",
        hint: "Name a directory on a disk with --directory.")
    }
    isDirect = place.isDirect
    do throws(IOError) {
      directory = try OwnedDirectory(in: place.path, name: "millrace-demo-\(UUID().uuidString.prefix(8))")
    } catch {
      throw CommandError("\(error)")
    }
  }

  deinit {
    guard !isKept else { return directory.keep() }
    // A database that could not be closed may still be making files.
    if !directory.remove() { Output.warningLine("could not remove \"\(path)\"; remove it by hand") }
  }

  /// Bytes that are to stay free.
  private static let reserve = 64 << 20

  private struct Place {
    let path: String
    let fileSystem: FileSystem
    let isDirect: Bool

    init(_ path: String) throws {
      var status = stat()
      guard stat(path, &status) == 0 else {
        throw CommandError("could not use directory \"\(path)\": \(IOError.text(of: errno))")
      }
      guard status.st_mode & S_IFMT == S_IFDIR else { throw CommandError("\"\(path)\" is not a directory") }
      guard access(path, W_OK | X_OK) == 0 else {
        throw CommandError("could not write into directory \"\(path)\": \(IOError.text(of: errno))")
      }
      self.path = path
      fileSystem = FileSystem(of: path)
      let probe = try DirectIOProbe(path)
      isDirect = probe.verdict == .works && 8192 % (probe.offsetAlignment ?? 1) == 0
    }
  }

  private static func chosen(byteCount: Int) throws -> Place {
    var candidates = [
      FileManager.default.temporaryDirectory.path, "/var/tmp", FileManager.default.currentDirectoryPath,
    ]
    .map { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    .compactMap { try? Place($0) }
    candidates.removeAll { $0.fileSystem.freeBytes <= byteCount + reserve }
    guard let first = candidates.first else {
      throw CommandError(
        "no place for temporary files has \(Format.bytes(byteCount)) free; give a smaller --size or a --directory")
    }
    guard let best = candidates.first(where: { $0.isDirect && !$0.fileSystem.isMemory }) else { return first }
    if best.path != first.path {
      let why = first.fileSystem.isMemory ? "is on \(first.fileSystem.type), which is memory" : "cannot do direct I/O"
      Output.noteLine("\"\(first.path)\" \(why); the database goes to \"\(best.path)\"")
    }
    return best
  }
}
