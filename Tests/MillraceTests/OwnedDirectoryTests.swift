import Foundation
import Millrace
import MillraceTestSupport
import Testing

/// What killed processes leave of their temporary databases, those who come later remove.
@Suite struct OwnedDirectoryTests {
  /// What a process has left that was killed: nobody holds the lock any more.
  private func leave(_ name: String, in parent: String) throws -> String {
    let path = "\(parent)/\(name)"
    try FileManager.default.createDirectory(atPath: path + "/base", withIntermediateDirectories: true)
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path + "/base/1"))
    try Data().write(to: URL(fileURLWithPath: path + ".owner"))
    return path
  }

  private func names(_ parent: String) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: parent))
  }

  @Test func `directories of processes that are gone are removed, those of others and other things stay`() throws {
    let place = try TemporaryDirectory()
    let living = try OwnedDirectory(in: place.path, name: "millrace-living")
    _ = try leave("millrace-dead", in: place.path)
    try Data().write(to: URL(fileURLWithPath: place.path + "/millrace-nothing.owner"))
    try Data().write(to: URL(fileURLWithPath: place.path + "/millrace-file"))
    try Data().write(to: URL(fileURLWithPath: place.path + "/millrace-file.owner"))
    try place.createDirectory("elsewhere")
    try place.createLink("millrace-link", to: place.path + "/elsewhere")
    try Data().write(to: URL(fileURLWithPath: place.path + "/millrace-link.owner"))
    try place.createDirectory("millrace-unowned")
    _ = try leave("other", in: place.path)
    let next = try OwnedDirectory(in: place.path, name: "millrace-next")
    let others: Set = [
      "millrace-file", "millrace-file.owner", "elsewhere", "millrace-link", "millrace-link.owner", "millrace-unowned",
      "other", "other.owner",
    ]
    #expect(
      try names(place.path)
        == others.union([
          "millrace-living", "millrace-living.owner", "millrace-next", "millrace-next.owner",
        ]))
    #expect(living.remove() && living.remove())
    next.keep()
    #expect(try names(place.path) == others.union(["millrace-next"]))
  }

  @Test func `a process that is killed leaves a directory that the next one removes`() throws {
    let place = try TemporaryDirectory()
    let path = try leave("millrace-killed", in: place.path)
    let owner = try ChildProcess([
      "/usr/bin/flock", "--no-fork", path + ".owner", "/bin/sh", "-c", "touch \(path)/held; exec sleep 600",
    ])
    while access(path + "/held", F_OK) != 0 { sched_yield() }
    OwnedDirectory.removeAbandoned(in: place.path)
    #expect(access(path, F_OK) == 0, "its owner lives")
    owner.send(SIGKILL)
    _ = try owner.wait()
    OwnedDirectory.removeAbandoned(in: place.path)
    #expect(try names(place.path) == [])
  }

  @Test func `a temporary database removes what others have left, and those who come later let it be`() async throws {
    let parent = FileManager.default.temporaryDirectory.path
    let left = try leave("millrace-\(UUID().uuidString)", in: parent)
    let first = try await Database.temporary()
    #expect(access(left, F_OK) != 0 && access(left + ".owner", F_OK) != 0)
    let second = try await Database.temporary()
    #expect(access(first.path, F_OK) == 0)
    try await second.execute("create table t (a int)")
    try await first.close()
    try await second.close()
    for path in [first.path, second.path] {
      #expect(access(path, F_OK) != 0 && access(path + ".owner", F_OK) != 0)
    }
  }
}
