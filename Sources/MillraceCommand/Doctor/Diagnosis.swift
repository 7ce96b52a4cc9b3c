import MillraceEngine
import MillraceIO
import MillraceSettings

/// What a machine offers to the engine, and what could be changed about it.
struct Diagnosis: Encodable {
  struct Automatic: Encodable {
    let ioMethod: String
    /// Why it is not io_uring.
    let because: String?
  }

  /// Something to change, and the command that does it where there is one.
  struct Advice: Encodable {
    let reason: String
    let command: String?
  }

  let path: String
  let methods: [MethodProbe]
  let automatic: Automatic
  /// What `io_method` is unless it is set.
  let defaultMethod: String
  let directIo: DirectIOProbe
  let fileSystem: FileSystem
  let machine: Machine
  let advice: [Advice]

  /// - Throws: ``CommandError`` when the path cannot be examined.
  init(of path: String) throws {
    self.path = path
    directIo = try DirectIOProbe(path)
    fileSystem = FileSystem(of: path)
    methods = IOMethodKind.real.map { MethodProbe($0) }
    let choice = MethodSelection.automatic()
    automatic = Automatic(ioMethod: choice.kind.rawValue, because: choice.because)
    defaultMethod = IOMethodKind(Settings()[.ioMethod]).rawValue
    machine = Machine()
    advice =
      Self.advice(methods) + Self.advice(directIo, fileSystem) + Self.advice(machine, automatic: choice.kind)
  }

  /// Whether what the engine does unless told otherwise works.
  var isDefaultUsable: Bool { methods.contains { $0.ioMethod == defaultMethod && $0.usable } }

  private static func advice(_ methods: [MethodProbe]) -> [Advice] {
    methods.compactMap { method in
      guard let reason = method.reason else { return nil }
      // The sentence ends with the command, where there is one.
      let parts = reason.split(separator: "; run: ", maxSplits: 1)
      return Advice(
        reason: "io_method=\(method.ioMethod) cannot run: \(parts.first ?? "")",
        command: parts.count == 2 ? String(parts[1]) : nil)
    }
  }

  private static func advice(_ direct: DirectIOProbe, _ fileSystem: FileSystem) -> [Advice] {
    var advice: [Advice] = []
    if fileSystem.isMemory {
      advice.append(
        Advice(reason: "\(fileSystem.type) is memory; measure on a file system that has a device", command: nil))
    } else if direct.verdict == .refused {
      advice.append(
        Advice(reason: "\(fileSystem.type) refuses direct I/O; ext4 and xfs on a local device have it", command: nil))
    } else if let alignment = direct.offsetAlignment, alignment > 8192 {
      advice.append(
        Advice(
          reason: "direct I/O needs multiples of \(alignment) bytes here, and pages have 8192; use buffered I/O",
          command: nil))
    }
    return advice
  }

  private static func advice(_ machine: Machine, automatic: IOMethodKind) -> [Advice] {
    var advice: [Advice] = []
    if let files = machine.limits.openFiles, files < 4096 {
      let wanted = min(65_536, machine.limits.openFilesMax ?? 65_536)
      advice.append(
        Advice(
          reason: "\(files) open files are few: relations have segments of 1 GiB, and each ring takes one",
          command: files < wanted ? "ulimit -n \(wanted)" : "prlimit --nofile=65536 --pid $$"))
    }
    // Since 5.12 only registered memory counts, and memory that cannot be registered is used all the same.
    if automatic == .ioUring, let locked = machine.limits.lockedMemory, locked < 256 << 20, !machine.mayLockMemory {
      advice.append(
        Advice(
          reason: "\(Format.bytes(locked)) of locked memory are too few to register a buffer pool with io_uring, which"
            + " saves CPU",
          command: "ulimit -l unlimited"))
    }
    if machine.hugePages.transparent == "never", machine.hugePages.reserved ?? 0 == 0 {
      advice.append(
        Advice(
          reason: "no huge pages: a large buffer pool costs page table walks",
          command: "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"))
    }
    if let version = machine.kernelVersion, version < (6, 1), machine.kernel.hasPrefix("Linux") {
      advice.append(
        Advice(
          reason: "before Linux 6.1 a file system cannot be asked what direct I/O demands (4096 bytes are assumed), and"
            + " io_uring costs more CPU",
          command: nil))
    }
    return advice
  }
}
