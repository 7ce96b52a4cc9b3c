import Foundation
import Testing

/// What the release build of `millrace-counts` counts, against what hot paths may do: no allocation, no reference
/// counting, and no lock but one short one for each batch on a ring or queue that backends share.
@Suite("hot paths")
struct HotPathCountsTests {
  struct Row: Decodable {
    let path: String
    let operations, batches, allocations, retains, releases, locks: Int
  }

  /// Where `make test` has put the program; nil where it has not been built.
  static let program: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
    let places = [ProcessInfo.processInfo.environment["MILLRACE_COUNTS"], root + "/.build/release/millrace-counts"]
    return places.compactMap { $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  static let isRequired = ProcessInfo.processInfo.environment["MILLRACE_REQUIRE"] == "all"

  @Test(
    "neither allocate, count references, nor lock",
    .enabled(if: program != nil || isRequired, "millrace-counts is not built (swift build -c release)"))
  func counts() throws {
    let program = try #require(Self.program)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let rows = try JSONDecoder().decode([Row].self, from: output)
    #expect(rows.count >= 16)
    for row in rows {
      #expect(row.allocations <= allowedReferences(row), "\(row.path)")
      #expect(row.retains <= allowedReferences(row) && row.releases <= allowedReferences(row), "\(row.path)")
      #expect(row.locks <= allowedLocks(row), "\(row.path)")
    }
  }

  /// POSIX AIO looks up the duplicates of a file's descriptor for each request that the page cache does not serve, and
  /// glibc makes lists of requests on the way.
  private func allowedReferences(_ row: Row) -> Int { row.path == "posix_aio: change and write out" ? row.batches : 0 }

  private func allowedLocks(_ row: Row) -> Int {
    let isShared = row.path.hasPrefix("io_uring:") || row.path.hasPrefix("worker:") || row.path.hasPrefix("posix_aio:")
    return isShared ? row.batches : 0
  }
}
