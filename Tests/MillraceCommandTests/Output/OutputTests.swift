import Foundation
import Synchronization
import Testing

@testable import MillraceCommand

/// A pipe whose reading end a test holds.
private final class TestPipe: Sendable {
  let reader: Int32
  let writer: Int32

  init() {
    var descriptors: [Int32] = [0, 0]
    precondition(pipe(&descriptors) == 0)
    (reader, writer) = (descriptors[0], descriptors[1])
  }

  /// Everything written, after closing the writing end.
  func contents() -> String {
    close(writer)
    let data = FileHandle(fileDescriptor: reader, closeOnDealloc: true).readDataToEndOfFile()
    return String(decoding: data, as: UTF8.self)
  }
}

@Suite("Output")
struct OutputTests {
  @Test("messages are laid out like those of PostgreSQL's programs")
  func messages() {
    #expect(
      Output.messageText("error", "no such file", detail: "It is gone.", hint: "Look elsewhere.") == """
        millrace: error: no such file
        millrace: detail: It is gone.
        millrace: hint: Look elsewhere.

        """)
    #expect(Output.messageText("warning", "slow", detail: nil, hint: nil) == "millrace: warning: slow\n")
  }

  @Test("lines go above the status line, which is drawn again")
  func statusLine() {
    let (output, error) = (TestPipe(), TestPipe())
    let writer = OutputWriter(
      standardOutput: OutputChannel(descriptor: output.writer), standardError: OutputChannel(descriptor: error.writer)
    ) { _ in }
    writer.setStatusLine("10 %")
    writer.setStatusLine("10 %")
    writer.writeError("note\n")
    writer.writeOutput("result\n")
    writer.setStatusLine(nil)
    writer.writeError("end\n")
    #expect(output.contents() == "result\n")
    let erase = "\r\u{1B}[K"
    #expect(error.contents() == "\r10 %\u{1B}[K\(erase)note\n10 %\(erase)10 %\(erase)end\n")
  }

  @Test("a reader that is gone is told once, and nothing more is written")
  func closedPipe() {
    signal(SIGPIPE, SIG_IGN)
    let (output, error) = (TestPipe(), TestPipe())
    close(output.reader)
    let failures = Mutex<[OutputChannel.Failure]>([])
    let writer = OutputWriter(
      standardOutput: OutputChannel(descriptor: output.writer), standardError: OutputChannel(descriptor: error.writer)
    ) { failure in failures.withLock { $0.append(failure) } }
    for _ in 0..<3 { writer.writeOutput("line\n") }
    let told = failures.withLock { $0 }
    #expect(told == [OutputChannel.Failure(errorNumber: EPIPE)])
    #expect(told.first?.isReaderGone == true)
    close(output.writer)
    #expect(error.contents() == "")
  }

  @Test("a full disk is an error and not an end without a word")
  func fullDisk() throws {
    let full = open("/dev/full", O_WRONLY)
    try #require(full >= 0)
    defer { close(full) }
    let error = #expect(throws: OutputChannel.Failure.self) { try OutputChannel(descriptor: full).write("x") }
    #expect(error?.description == "No space left on device")
    #expect(error?.isReaderGone == false)
  }

  @Test("a non-blocking pipe gets all of a long text")
  func nonBlocking() {
    let pipe = TestPipe()
    _ = fcntl(pipe.writer, F_SETFL, O_NONBLOCK)
    let text = String(repeating: "0123456789abcdef", count: 100_000)
    let received = Mutex("")
    let done = DispatchSemaphore(value: 0)
    let reading = Thread {
      let data = FileHandle(fileDescriptor: pipe.reader, closeOnDealloc: true).readDataToEndOfFile()
      received.withLock { $0 = String(decoding: data, as: UTF8.self) }
      done.signal()
    }
    reading.start()
    #expect(throws: Never.self) { try OutputChannel(descriptor: pipe.writer).write(text) }
    close(pipe.writer)
    done.wait()
    #expect(received.withLock { $0 } == text)
  }

  @Test("a program whose reader is gone ends quietly with 141")
  func quietEnd() async throws {
    let result = try #require(
      await #expect(processExitsWith: .exitCode(141), observing: [\.standardErrorContent]) {
        var descriptors: [Int32] = [0, 0]
        precondition(pipe(&descriptors) == 0)
        dup2(descriptors[1], STDOUT_FILENO)
        close(descriptors[0])
        close(descriptors[1])
        Output.prepare()
        Output.line("a result")
        precondition(Interruption.isRequested)
        exit(Output.finalStatus(ExitStatus.clean.rawValue))
      })
    #expect(!String(decoding: result.standardErrorContent, as: UTF8.self).contains("millrace"))
  }

  @Test("a program whose output does not fit on the disk says so and ends with 2")
  func lostOutput() async throws {
    let result = try #require(
      await #expect(processExitsWith: .exitCode(2), observing: [\.standardErrorContent]) {
        dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO)
        Output.prepare()
        Output.line("a result")
        exit(Output.finalStatus(ExitStatus.clean.rawValue))
      })
    let message = "millrace: error: could not write to standard output: No space left on device\n"
    #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains(message))
  }

  @Test("a standard descriptor that was closed is never given to a file")
  func closedDescriptors() async {
    await #expect(processExitsWith: .exitCode(2)) {
      close(STDIN_FILENO)
      close(STDOUT_FILENO)
      Output.prepare()
      precondition(open("/dev/null", O_RDONLY) > STDERR_FILENO)
      Output.line("a result")
      exit(Output.finalStatus(ExitStatus.clean.rawValue))
    }
  }

  @Test("a file is written whole or not at all")
  func outputFile() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try OutputFile.write("one", to: folder + "/report.html")
    try OutputFile.write("two", to: folder + "/report.html")
    #expect(try String(contentsOfFile: folder + "/report.html", encoding: .utf8) == "two")
    let missing = #expect(throws: OutputFile.Failure.self) { try OutputFile.write("x", to: folder + "/no/report.html") }
    #expect(
      missing?.description == "could not write file \"\(folder)/no/report.html\": No such file or directory")
    try FileManager.default.createDirectory(atPath: folder + "/taken", withIntermediateDirectories: true)
    #expect(throws: OutputFile.Failure.self) { try OutputFile.write("x", to: folder + "/taken") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["report.html", "taken"])
  }
}
