import ArgumentParser
import Testing

@testable import MillraceCommand

@Suite("Exit codes")
struct ExitStatusTests {
  struct Sample: ParsableCommand {
    @Option var number = 1
  }

  struct Broken: Error {}

  @Test("the codes are what the documentation promises")
  func codes() {
    #expect(ExitStatus.allCases.map(\.rawValue) == [0, 1, 2])
    #expect(ExitStatus.damageFound.exitCode == ExitCode(1))
  }

  @Test("bad arguments and errors are 2, never the 1 that means damage; help is 0")
  func errors() {
    #expect(ExitStatus.code(for: Broken(), in: Sample.self) == 2)
    #expect(ExitStatus.code(for: ValidationError("no"), in: Sample.self) == 2)
    #expect(ExitStatus.code(for: CleanExit.message("done"), in: Sample.self) == 0)
    #expect(ExitStatus.code(for: ExitStatus.damageFound.exitCode, in: Sample.self) == 1)
    #expect(ExitStatus.code(for: ExitCode(130), in: Sample.self) == 130)
    for (arguments, code) in [(["--number", "x"], Int32(2)), (["--nonsense"], 2), (["--help"], 0)] {
      let error = #expect(throws: (any Error).self) { try Sample.parse(arguments) }
      #expect(error.map { ExitStatus.code(for: $0, in: Sample.self) } == code, "\(arguments)")
    }
  }
}
