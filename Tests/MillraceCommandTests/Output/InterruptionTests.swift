import Foundation
import Testing

@testable import MillraceCommand

/// Sends a signal to this thread, which has handled it when this returns. The threads that tests run on block signals,
/// unlike a program's first thread.
private func deliver(_ number: Int32) {
  var signals = sigset_t()
  sigemptyset(&signals)
  sigaddset(&signals, number)
  pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  raise(number)
}

@Suite("Interruption")
struct InterruptionTests {
  @Test("the first Ctrl-C raises a flag that loops see, and the status is 130")
  func first() async {
    await #expect(processExitsWith: .exitCode(130)) {
      Interruption.install()
      precondition(!Interruption.isRequested)
      precondition(Interruption.exitStatus == nil)
      deliver(SIGINT)
      precondition(Interruption.isRequested)
      do throws(Interruption.Requested) {
        try Interruption.check()
        preconditionFailure("the loop went on")
      } catch {
        exit(Output.finalStatus(ExitStatus.clean.rawValue))
      }
    }
  }

  @Test("the second Ctrl-C kills at once")
  func second() async {
    await #expect(processExitsWith: .signal(SIGINT)) {
      Interruption.install()
      deliver(SIGINT)
      deliver(SIGINT)
      exit(0)
    }
  }

  @Test("a kill after a Ctrl-C kills as well, and takes the progress line away")
  func mixed() async throws {
    let result = try #require(
      await #expect(processExitsWith: .signal(SIGTERM), observing: [\.standardErrorContent]) {
        Interruption.install()
        Output.shared.setStatusLine("half way")
        deliver(SIGINT)
        deliver(SIGTERM)
        exit(0)
      })
    #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains("half way\u{1B}[K\r\u{1B}[K"))
  }

  @Test("kill is 143, and a closed terminal 129", arguments: [(SIGTERM, Int32(143)), (SIGHUP, Int32(129))])
  func otherSignals(number: Int32, status: Int32) async {
    await #expect(processExitsWith: .exitCode(status)) { [number = number as Int32] in
      Interruption.install()
      deliver(number)
      exit(Output.finalStatus(ExitStatus.damageFound.rawValue))
    }
  }

  @Test("a signal that the caller ignored stays ignored")
  func ignored() async {
    await #expect(processExitsWith: .exitCode(0)) {
      signal(SIGHUP, SIG_IGN)
      Interruption.install()
      deliver(SIGHUP)
      exit(Output.finalStatus(ExitStatus.clean.rawValue))
    }
  }
}
