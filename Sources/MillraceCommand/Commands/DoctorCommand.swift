import ArgumentParser

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Says what this machine offers to the engine, and what to change.",
    discussion: """
      Which I/O methods can be used, and if not, why; whether direct I/O works at a place, and what alignment it \
      needs; limits, huge pages, and what io_method=auto chooses. Methods and direct I/O are tried, not guessed.

        millrace doctor
            the file system of the working directory
        millrace doctor /var/lib/postgresql/18/main
            a data directory: only read, never written to

      In any other directory a temporary file is made and removed. Exit status: 0 the default method works, 2 it does \
      not, or the path cannot be examined.
      """)

  @Argument(help: ArgumentHelp("A directory, file or block device.", valueName: "path"))
  var path = "."

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let diagnosis = try Diagnosis(of: path)
    show(diagnosis)
    if !diagnosis.isDefaultUsable { throw ExitStatus.couldNotRun.exitCode }
  }

  func show(_ diagnosis: Diagnosis) {
    if json {
      Output.json(diagnosis)
    } else {
      printReport(diagnosis)
    }
  }

  private func printReport(_ diagnosis: Diagnosis) {
    var methods = Table([.text("method"), .text("usable"), .text("remark")])
    for method in diagnosis.methods {
      var remarks: [String] = []
      if method.ioMethod == diagnosis.automatic.ioMethod { remarks.append("what auto chooses") }
      if method.ioMethod == diagnosis.defaultMethod { remarks.append("the default of a server") }
      methods.append([method.ioMethod, method.usable ? "yes" : "no", method.reason ?? remarks.joined(separator: ", ")])
    }
    Output.write(methods.text(width: 160))
    Output.line()

    let facts = facts(of: diagnosis)
    let width = facts.map(\.name.count).max() ?? 0
    for fact in facts {
      Output.line(fact.name + String(repeating: " ", count: width - fact.name.count + 2) + fact.value)
    }
    Output.line()

    if diagnosis.advice.isEmpty {
      Output.line("nothing to change")
    } else {
      Output.line("what to change")
      for advice in diagnosis.advice {
        Output.line("  - \(advice.reason)")
        if let command = advice.command { Output.line("      \(command)") }
      }
    }
  }

  private func facts(of diagnosis: Diagnosis) -> [(name: String, value: String)] {
    let (machine, direct, fileSystem) = (diagnosis.machine, diagnosis.directIo, diagnosis.fileSystem)
    let pages = machine.hugePages
    let reserved = "\(pages.reserved ?? 0) (\(pages.reservedFree ?? 0) free)"
    var facts = [("path", diagnosis.path)]
    facts.append(
      (
        "file system",
        "\(fileSystem.type) on \(fileSystem.source), mounted at \(fileSystem.mountPoint)"
          + "\(fileSystem.isReadOnly ? ", read-only" : ""), \(Format.bytes(fileSystem.freeBytes)) free"
      ))
    facts.append(("direct I/O", Self.text(direct)))
    facts.append(("kernel", machine.kernel))
    facts.append(("processor", "\(machine.cores) cores\(machine.processor.map { " of \($0)" } ?? "")"))
    facts.append(("memory", Format.bytes(machine.memory)))
    facts.append(("huge pages", "transparent: \(pages.transparent ?? "none"), reserved: \(reserved)"))
    facts.append(
      (
        "open files",
        "\(Self.limit(machine.limits.openFiles)), can be raised to \(Self.limit(machine.limits.openFilesMax))"
      ))
    facts.append(("locked memory", machine.limits.lockedMemory.map(Format.bytes) ?? "unlimited"))
    facts.append(("POSIX AIO requests", Self.limit(machine.limits.posixAioRequests)))
    if let disabled = machine.limits.ioUringDisabled { facts.append(("kernel.io_uring_disabled", "\(disabled)")) }
    return facts
  }

  private static func limit(_ count: Int?) -> String { count.map(Format.count) ?? "unlimited" }

  private static func text(_ direct: DirectIOProbe) -> String {
    switch direct.verdict {
    case .works:
      let origin = direct.alignmentSource == "statx" ? "as the file system says" : "assumed"
      return "works on \(direct.triedOn ?? "a file"); alignment \(direct.offsetAlignment ?? 0) bytes in the file,"
        + " \(direct.memoryAlignment ?? 0) in memory, \(origin)"
    case .refused: return "no: \(direct.reason ?? "refused")"
    case .unknown: return "not known: \(direct.reason ?? "there was nothing to try it on")"
    }
  }
}
