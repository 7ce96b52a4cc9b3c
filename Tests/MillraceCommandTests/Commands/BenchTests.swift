import Foundation
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import Testing

@Suite struct BenchTests {
  @Test(arguments: VerifyRun.Way.all.filter { MethodSelection.obstacle(to: $0.method) == nil })
  func `bench io makes its file, measures it, and removes it`(way: VerifyRun.Way) throws {
    let temporary = try TemporaryDirectory()
    let document = try Millrace.json(
      Millrace.run(
        [
          "bench", "io", "--file", temporary.path + "/file", "--size", "1MiB", "--runtime", "20ms", "--json",
          "--io-method", way.method.rawValue,
        ] + (way.isDirect ? ["--direct"] : [])))
    #expect(
      Set(document.keys) == [
        "io_method", "direct", "pattern", "block_size", "io_depth", "batch", "ops", "bytes", "seconds", "iops",
        "mib_per_s", "cpu_seconds", "cpu_us_per_op", "submit_calls", "latency_us",
      ])
    #expect(document["io_method"] as? String == way.method.rawValue && document["direct"] as? Bool == way.isDirect)
    #expect(document["bytes"] as? Int == (document["ops"] as? Int).map { $0 * 8192 })
    #expect(Set((document["latency_us"] as? [String: Any] ?? [:]).keys) == ["p50", "p95", "p99", "p999", "max"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path) == [])
  }

  @Test func `bench io does not write over a file that is not its own`() throws {
    let temporary = try TemporaryDirectory()
    try temporary.write(repeatElement(7, count: 65_536), to: "file")
    let before = try temporary.fingerprint()
    for pattern in ["randwrite", "seqwrite"] {
      try Millrace.run("bench", "io", "--file", temporary.path + "/file", "--pattern", pattern).expectRefusal("--force")
    }
    #expect(try temporary.fingerprint() == before)
  }

  @Test func `bench scan reads every page by every method, both ways, cold and warm`() throws {
    let sample = try SampleDirectory()
    let before = try sample.temporary.fingerprint()
    let outcome = try Millrace.run(
      "bench", "scan", "-D", sample.path, "--relation", "16384", "--rounds", "2", "--json", "-c",
      "shared_buffers=1MB")
    #expect(outcome.status == 0)
    let document = try Millrace.json(outcome)
    #expect(
      Set(document.keys) == ["relation", "pages", "bytes", "items", "rounds", "random", "results", "skipped"])
    #expect(document["relation"] as? String == "base/5/16384" && document["pages"] as? Int == 160)
    // As many line pointers as the sample has rows.
    #expect(document["items"] as? Int == 160 * SampleRelation.rowsPerPage && document["rounds"] as? Int == 2)
    let results = try #require(document["results"] as? [[String: Any]])
    let skipped = try #require(document["skipped"] as? [[String: Any]])
    #expect(results.count + 2 * skipped.count == 16)
    for result in results {
      #expect(
        Set(result.keys) == [
          "io_method", "direct", "cache", "bytes", "seconds", "cpu_seconds", "mib_per_s", "reads",
          "average_read_blocks", "average_distance", "waits", "submit_calls", "ratio_to_sync",
        ])
      #expect(result["bytes"] as? Int == 160 * 8192)
      #expect(result["io_method"] as? String != "sync" || result["ratio_to_sync"] as? Double == 1)
    }
    #expect(Set(skipped.compactMap { $0["io_method"] as? String }).isSubset(of: IOMethodKind.real.map(\.rawValue)))
    #expect(skipped.allSatisfy { $0["reason"] as? String != "" })
    #expect(try sample.temporary.fingerprint() == before)
  }

  @Test func `random blocks are so many, distinct, and the methods are those that were named`() throws {
    let sample = try SampleDirectory()
    let document = try Millrace.json(
      Millrace.run(
        "bench", "scan", "-D", sample.path, "--relation", "base/5/16384", "--rounds", "1", "--random", "100",
        "--methods", "worker,sync,worker", "--json"))
    #expect(document["pages"] as? Int == 100 && document["random"] as? Bool == true)
    let results = try #require(document["results"] as? [[String: Any]])
    #expect(Set(results.compactMap { $0["io_method"] as? String }) == ["worker", "sync"])
    // All of them have to be read: none twice.
    #expect(results.allSatisfy { ($0["reads"] as? Double ?? 0) * ($0["average_read_blocks"] as? Double ?? 0) > 99.9 })
  }

  @Test func `the report is a page that loads nothing, written whole or refused beforehand`() throws {
    let sample = try SampleDirectory()
    let arguments = ["bench", "scan", "-D", sample.path, "--relation", "16384", "--rounds", "1", "--report"]
    let place = sample.temporary.path + "/report.html"
    let outcome = try Millrace.run(arguments + [place])
    #expect(outcome.status == 0 && outcome.errors == "" && outcome.output.contains("report: \(place)"))
    let page = try String(contentsOfFile: place, encoding: .utf8)
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
    #expect(page.contains("base/5/16384") && page.contains("--report \(place)") && !page.contains("<script"))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: sample.temporary.path).sorted() == ["data", "report.html"])
    // Again: it takes the place of the old one.
    #expect(try Millrace.run(arguments + [place]).status == 0)
    try Millrace.run(arguments + ["/nonexistent/report.html"]).expectRefusal("/nonexistent/report.html")
    try Millrace.run(arguments + [sample.path]).expectRefusal("not a regular file")
  }

  @Test func `what is compared cannot be set`() throws {
    let sample = try SampleDirectory(blocks: 8)
    let arguments = ["bench", "scan", "-D", sample.path, "--relation", "16384"]
    try Millrace.run(arguments + ["-c", "io_method=sync"]).expectRefusal("--methods")
    try Millrace.run(arguments + ["-c", "io_direct=data"]).expectRefusal("--methods")
  }
}
