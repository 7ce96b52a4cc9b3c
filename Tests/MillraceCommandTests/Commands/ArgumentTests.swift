import Foundation
import MillraceTestSupport
import Testing

@testable import MillraceCommand

/// What is said to somebody who types something that makes no sense, or asks how to do it.
@Suite struct ArgumentTests {
  @Test func `the version is printed and is the program's`() throws {
    let outcome = try Millrace.run("--version")
    #expect(outcome.status == 0 && outcome.output == Version.current + "\n" && outcome.errors == "")
  }

  @Test(arguments: [
    [], ["demo"], ["doctor"], ["bench"], ["bench", "io"], ["bench", "scan"], ["verify"],
  ])
  func `help is results, not an error`(command: [String]) throws {
    let outcome = try Millrace.run(command + ["--help"])
    #expect(outcome.status == 0 && outcome.errors == "")
    #expect(outcome.output.hasPrefix("OVERVIEW: "))
    // Each command shows how it is typed.
    #expect(outcome.output.contains((["millrace"] + command).joined(separator: " ") + " "))
  }

  @Test(arguments: [["verify"], ["bench", "scan"], ["doctor"]])
  func `help names the exit status or the way to read a result`(command: [String]) throws {
    let outcome = try Millrace.run(command + ["--help"])
    #expect(outcome.output.contains("Exit status") || outcome.output.contains("skipped"))
  }

  @Test(arguments: [
    (["frobnicate"], "'frobnicate'", "millrace --help"),
    (["verify"], "-D", "millrace verify --help"),
    (["verify", "-D", "x", "--jobs", "many"], "many", "millrace verify --help"),
    (["verify", "-D", "x", "--frobnicate"], "--frobnicate", "millrace verify --help"),
    (["bench", "scan", "-D", "x"], "--relation", "millrace bench scan --help"),
    (["bench", "io"], "--file", "millrace bench io --help"),
    (["doctor", "a", "b"], "'b'", "millrace doctor --help"),
    (["demo", "--size"], "--size", "millrace demo --help"),
  ])
  func `bad arguments are one line that names the help`(arguments: [String], word: String, help: String) throws {
    try Millrace.run(arguments).expectRefusal(word, help)
  }

  @Test(arguments: [
    (["-c", "io_wrokers=4"], "\"io_wrokers\""),
    (["-c", "io_workers"], "io_workers"),
    (["-c", "io_workers=99"], "(0 .. 32)"),
    (["-c", "shared_buffers=1kB"], "shared_buffers"),
    (["-c", "io_combine_limit=many"], "io_combine_limit"),
    (["-c", "effective_io_concurrency=1001"], "(0 .. 1000)"),
  ])
  func `a setting that is wrong is named with what is right`(arguments: [String], word: String) throws {
    for command in [["verify", "-D", "/"], ["bench", "scan", "-D", "/", "--relation", "1"], ["demo"]] {
      try Millrace.run(command + arguments).expectRefusal(word)
    }
  }

  @Test func `an unknown io_method is named with those that there are`() throws {
    try Millrace.run("verify", "-D", "/", "--io-method", "magic").expectRefusal("magic", "worker", "io_uring")
    try Millrace.run("bench", "io", "--file", "/x", "--io-method", "magic").expectRefusal("magic", "worker", "io_uring")
    try Millrace.run("bench", "scan", "-D", "/", "--relation", "1", "--methods", "sync,magic")
      .expectRefusal("magic", "worker", "io_uring")
  }

  @Test(arguments: [
    (["bench", "io", "--file", "/x", "--io-depth", "0"], "(1 .. 1024)"),
    (["bench", "io", "--file", "/x", "--batch", "64"], "(1 .. 32"),
    (["bench", "io", "--file", "/x", "--block-size", "100"], "512"),
    (["bench", "io", "--file", "/x", "--pattern", "sideways"], "randread"),
    (["bench", "io", "--file", "/x", "--runtime", "0s"], "--runtime"),
    (["bench", "scan", "-D", "/", "--relation", "1", "--rounds", "0"], "(1 .. 1000)"),
    (["verify", "-D", "/", "--jobs", "65"], "(1 .. 64)"),
    (["verify", "-D", "/", "--rate", "0"], "--rate"),
    (["demo", "--size", "1kB"], "1MiB"),
  ])
  func `a number out of range is refused with the range`(arguments: [String], word: String) throws {
    try Millrace.run(arguments).expectRefusal(word)
  }
}
