#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
package import MillraceIO
import Synchronization

/// A directory that belongs to this process: whoever makes another in the same place later removes it if the process
/// was killed before it could.
///
/// A file beside the directory, `NAME.owner`, is locked as long as the process has it; that ends with the process,
/// however that ends. The file gets its name when it is locked already, so that nobody finds it unlocked meanwhile.
package final class OwnedDirectory: Sendable {
  package let path: String
  private let descriptor: Int32
  private let isOwned = Atomic<Bool>(true)

  private static let suffix = ".owner"
  private static let prefix = "millrace-"

  private var ownerPath: String { path + Self.suffix }

  /// Makes it, and removes what killed processes have left in the same place.
  /// - Parameters:
  ///   - parent: where.
  ///   - name: unlike any other there; begins with `millrace-`.
  /// - Throws: ``IOError``.
  package init(in parent: String, name: String) throws(IOError) {
    Self.removeAbandoned(in: parent)
    path = "\(parent)/\(name)"
    let (owner, new) = (path + Self.suffix, path + Self.suffix + ".new")
    descriptor = open(new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure("make file \"\(new)\"") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, rename(new, owner) == 0, mkdir(path, 0o700) == 0 else {
      let error = Self.failure("make directory \"\(path)\"")
      _ = (unlink(new), unlink(owner), close(descriptor))
      throw error
    }
  }

  private static func failure(_ what: String) -> IOError {
    IOError(.systemCall, errno: errno, message: "could not \(what)")
  }

  /// Removes it with all that is in it. Nobody may use it any more.
  /// - Returns: whether nothing of it is left.
  @discardableResult
  package func remove() -> Bool {
    guard isOwned.exchange(false, ordering: .acquiringAndReleasing) else { return true }
    // Somebody who could not be stopped may still be making files.
    for _ in 0..<10 where access(path, F_OK) == 0 { try? FileManager.default.removeItem(atPath: path) }
    release()
    return access(path, F_OK) != 0
  }

  /// Lets it stay: it belongs to nobody any more.
  package func keep() {
    if isOwned.exchange(false, ordering: .acquiringAndReleasing) { release() }
  }

  private func release() {
    unlink(ownerPath)
    close(descriptor)
  }

  /// Removes the directories of processes that are gone.
  package static func removeAbandoned(in parent: String) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    where name.hasPrefix(prefix) && name.hasSuffix(suffix) {
      removeIfAbandoned("\(parent)/\(name)")
    }
  }

  private static func removeIfAbandoned(_ owner: String) {
    let descriptor = open(owner, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var (held, named) = (stat(), stat())
    // Somebody who does the same may have been faster. Other users' are theirs to remove.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, fstat(descriptor, &held) == 0, lstat(owner, &named) == 0,
      held.st_ino == named.st_ino, held.st_dev == named.st_dev, held.st_uid == geteuid()
    else { return }
    let path = String(owner.dropLast(suffix.count))
    if lstat(path, &named) == 0 {
      guard named.st_mode & S_IFMT == S_IFDIR, named.st_uid == geteuid() else { return }
      guard (try? FileManager.default.removeItem(atPath: path)) != nil else { return }
    }
    unlink(owner)
  }
}
