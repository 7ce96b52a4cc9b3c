import Foundation
import MillraceTestSupport
import Testing

/// Runs that do not come to their end: Ctrl-C, nobody reads the output, the output cannot be written.
@Suite struct StoppedRunTests {
  /// Ends a command by Ctrl-C when it has begun to tell of its progress.
  private func interrupt(_ arguments: [String]) throws -> ChildProcess.Outcome {
    let pipe = try Pipe()
    let child = try Millrace.start(arguments + ["--progress"], errors: .descriptor(pipe.writing))
    close(pipe.writing)
    defer { close(pipe.reading) }
    #expect(Pipe.read(pipe.reading, until: "%").contains("%"))
    child.send(SIGINT)
    let rest = Pipe.read(pipe.reading, until: nil)
    #expect(!rest.contains("error"))
    return try child.wait()
  }

  @Test func `Ctrl-C ends verify with 130`() throws {
    let sample = try SampleDirectory(blocks: 2048)
    let outcome = try interrupt(["verify", "-D", sample.path, "--rate", "10MB/s"])
    #expect(outcome.status == 130 && !outcome.wasKilled && outcome.output == "")
  }

  @Test func `Ctrl-C ends a scan with 130, and there is no report`() throws {
    let sample = try SampleDirectory(blocks: 64)
    let report = sample.temporary.path + "/report.html"
    let outcome = try interrupt(
      [
        "bench", "scan", "-D", sample.path, "--relation", "16384", "--rounds", "40", "-c", "shared_buffers=1MB",
        "--report", report,
      ])
    #expect(outcome.status == 130 && !outcome.wasKilled && outcome.output == "")
    #expect(try FileManager.default.contentsOfDirectory(atPath: sample.temporary.path) == ["data"])
  }

  @Test func `Ctrl-C ends the demo with 130, and the sample is gone`() throws {
    let temporary = try TemporaryDirectory()
    let outcome = try interrupt(
      ["demo", "--size", "512MiB", "--directory", temporary.path, "--report", temporary.path + "/report.html"])
    #expect(outcome.status == 130 && !outcome.wasKilled)
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path) == [])
  }

  @Test func `Ctrl-C ends bench io with 130, and its file is gone`() throws {
    let temporary = try TemporaryDirectory()
    let path = temporary.path + "/file"
    let child = try Millrace.start(["bench", "io", "--file", path, "--size", "1MiB", "--runtime", "1h"])
    while access(path, F_OK) != 0 { sched_yield() }
    child.send(SIGINT)
    let outcome = try child.wait()
    #expect(outcome.status == 130 && !outcome.wasKilled && outcome.output == "" && outcome.errors == "")
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path) == [])
  }

  /// Both sides of a new terminal, by Linux's own calls: Glibc's module hides those of POSIX.
  private func openTerminal() throws -> (terminal: Int32, side: Int32) {
    let (unlock, getNumber): (UInt, UInt) = (0x4004_5431, 0x8004_5430)
    let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var (zero, number): (Int32, Int32) = (0, 0)
    try #require(terminal >= 0 && ioctl(terminal, unlock, &zero) == 0 && ioctl(terminal, getNumber, &number) == 0)
    let side = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(side >= 0)
    return (terminal, side)
  }

  @Test func `after Ctrl-C the terminal's line is empty`() throws {
    let sample = try SampleDirectory(blocks: 2048)
    let (terminal, side) = try openTerminal()
    let child = try Millrace.start(["verify", "-D", sample.path, "--rate", "10MB/s"], errors: .descriptor(side))
    #expect(Pipe.read(terminal, until: "%").contains("verify"))
    child.send(SIGINT)
    #expect(try child.wait().status == 130)
    close(side)
    // What was drawn after the last return to the line's start has been erased.
    #expect(Pipe.read(terminal, until: nil).hasSuffix("\r\u{1B}[K"))
    close(terminal)
  }

  @Test(arguments: [["verify"], ["doctor"]])
  func `when nobody reads the output any more it ends quietly with 141`(command: [String]) throws {
    let sample = try SampleDirectory(blocks: 8)
    let pipe = try Pipe()
    close(pipe.reading)
    let arguments = command + (command == ["verify"] ? ["-D", sample.path] : [sample.path])
    let outcome = try Millrace.start(arguments, output: .descriptor(pipe.writing)).wait()
    close(pipe.writing)
    #expect(outcome.status == 141 && !outcome.wasKilled && outcome.errors == "")
  }

  @Test func `a report that cannot be written is an error, even of a clean cluster`() throws {
    let sample = try SampleDirectory(blocks: 8)
    for json in [[], ["--json"]] {
      let outcome = try Millrace.start(["verify", "-D", sample.path] + json, output: .file("/dev/full")).wait()
      #expect(outcome.status == 2 && outcome.errorLines.count == 1 && outcome.errors.contains("No space left"))
    }
  }
}
