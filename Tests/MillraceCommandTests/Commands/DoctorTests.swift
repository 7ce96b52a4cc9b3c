import Foundation
import MillraceIO
import MillraceTestSupport
import Testing

@Suite struct DoctorTests {
  @Test func `every method is listed with the verdict of the engine, and the default works`() throws {
    let temporary = try TemporaryDirectory()
    let outcome = try Millrace.run("doctor", temporary.path, "--json")
    #expect(outcome.status == 0)
    let document = try Millrace.json(outcome)
    let methods = try #require(document["methods"] as? [[String: Any]])
    #expect(methods.compactMap { $0["io_method"] as? String } == IOMethodKind.real.map(\.rawValue))
    for (method, kind) in zip(methods, IOMethodKind.real) {
      #expect(method["usable"] as? Bool == (MethodSelection.obstacle(to: kind) == nil))
      #expect(method["reason"] as? String == MethodSelection.obstacle(to: kind))
    }
    let automatic = try #require(document["automatic"] as? [String: Any])
    #expect(automatic["io_method"] as? String == MethodSelection.automatic().kind.rawValue)
    for key in ["direct_io", "file_system", "machine", "advice", "path", "default_method"] {
      #expect(document[key] != nil, "\(key)")
    }
    let machine = try #require(document["machine"] as? [String: Any])
    #expect((machine["cores"] as? Int ?? 0) > 0 && (machine["memory"] as? Int ?? 0) > 0)
    #expect((machine["limits"] as? [String: Any])?["open_files"] as? Int ?? 0 > 0)
  }

  @Test func `in a directory a temporary file is tried, and is gone afterwards`() throws {
    let temporary = try TemporaryDirectory()
    let document = try Millrace.json(Millrace.run("doctor", temporary.path, "--json"))
    let direct = try #require(document["direct_io"] as? [String: Any])
    let probe = try? DescriptorFile.open(temporary.path + "/probe", [.write, .create, .direct])
    #expect(direct["verdict"] as? String == (probe == nil ? "refused" : "works"))
    #expect(direct["offset_alignment"] as? Int == probe?.alignment.offset)
    #expect(direct["memory_alignment"] as? Int == probe?.alignment.memory)
    probe?.close()
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path).filter { $0 != "probe" } == [])
  }

  @Test func `a data directory is only read`() throws {
    let sample = try SampleDirectory(blocks: 4)
    let before = try sample.temporary.fingerprint()
    let text = try Millrace.run("doctor", sample.path)
    #expect(text.status == 0 && text.errors == "" && text.output.contains("PG_VERSION"))
    let file = try Millrace.run("doctor", sample.path + "/base/5/16384")
    #expect(file.status == 0 && file.output.contains("direct I/O"))
    #expect(try sample.temporary.fingerprint() == before)
  }

  @Test func `what is neither a directory, a file nor a device is refused`() throws {
    try Millrace.run("doctor", "/dev/null").expectRefusal("/dev/null")
  }

  @Test func `a place that nothing can be tried on says so`() throws {
    let outcome = try Millrace.run("doctor", "/sys")
    #expect(outcome.status == 0 && outcome.errors == "")
    #expect(outcome.output.contains("not known: no file can be made"))
  }

  @Test(.enabled(if: Mounts.obstacle == nil, "needs to be able to mount"))
  func `a read-only file system is examined by a file that is there`() throws {
    let outcome = try Mounts.run(
      "mkdir A && echo x > A/file && mount --bind A A && mount -o remount,ro,bind A && exec $MILLRACE doctor A")
    #expect(outcome.status == 0 && outcome.errors == "")
    #expect(outcome.output.contains("read-only") && outcome.output.contains("A/file"))
  }
}
