#if IOUring && os(Linux)
  import CMillrace
  import Glibc

  /// Why io_uring cannot run here.
  extension MethodUring {
    /// Sets a small ring up and asks it for its operations.
    static func obstacle() -> String? {
      do throws(RingFailure) {
        let ring = try Ring(entries: 4, completionEntries: 8, ownThread: false)
        return missingOperation(ring)
      } catch {
        return cause(of: error.errno)
      }
    }

    private static func missingOperation(_ ring: Ring) -> String? {
      var probe = millrace_ring_probe()
      let result = millrace_ring_register(ring.descriptor, millrace_ring_register_probe, &probe, 64)
      // Kernels before 5.6 cannot be asked, and lack READ and WRITE.
      let needed = UInt8(MILLRACE_RING_OP_WRITE)
      guard result < 0 || probe.last_op < needed else { return nil }
      return "the kernel's io_uring lacks plain reads and writes; it needs Linux 5.6 or later"
    }

    /// What an errno of io_uring_setup means on this machine, and the command that cures it.
    static func cause(of number: Int32) -> String { cause(of: number, on: RingSurroundings()) }

    static func cause(of number: Int32, on machine: RingSurroundings) -> String {
      let seccomp =
        "a seccomp filter refuses io_uring, as container engines do by default; allow io_uring_setup, io_uring_enter"
        + " and io_uring_register in its profile (docker run --security-opt seccomp=PROFILE.json)"
      switch number {
      case EPERM, EACCES:
        if let disabled = machine.disabledSetting, disabled != "0" {
          return "kernel.io_uring_disabled is \(disabled); run: sysctl -w kernel.io_uring_disabled=0"
        }
        return machine.isFiltered
          ? seccomp : "the kernel does not permit it to this user; run as a user with CAP_SYS_ADMIN"
      case ENOSYS:
        return machine.isFiltered
          ? seccomp : "the kernel has no io_uring; it needs Linux 5.6 or later built with CONFIG_IO_URING"
      case ENOMEM:
        return "locked memory is limited to \(machine.lockedMemoryMax) bytes; run: ulimit -l unlimited"
      case EMFILE, ENFILE:
        return "the limit of \(machine.openFilesMax) open files is reached; run: ulimit -n \(machine.openFilesMax * 4)"
      default:
        return "io_uring_setup failed: \(IOError.text(of: number))"
      }
    }
  }

  /// What of a machine decides whether it lets a process have a ring.
  struct RingSurroundings {
    /// Whether a seccomp filter watches the process.
    var isFiltered: Bool
    /// `kernel.io_uring_disabled`; nil where the kernel has no such setting.
    var disabledSetting: String?
    /// Limits of the process.
    var lockedMemoryMax: UInt64
    var openFilesMax: UInt64
  }

  extension RingSurroundings {
    /// Those of this process.
    init() {
      isFiltered = Self.statusField("Seccomp") == "2"
      disabledSetting = Self.fileText("/proc/sys/kernel/io_uring_disabled")
      lockedMemoryMax = Self.limit(Self.lockedMemory)
      openFilesMax = Self.limit(Self.openFiles)
    }

    private static func limit(_ resource: Int32) -> UInt64 {
      var limits = rlimit()
      getrlimit(resource, &limits)
      return UInt64(limits.rlim_cur)
    }

    /// Glibc's module hides RLIMIT_MEMLOCK, and types the others; the number is the same on all architectures in use.
    private static let lockedMemory: Int32 = 8
    private static let openFiles = Int32(RLIMIT_NOFILE.rawValue)

    /// Of the calling thread: filters are each thread's own.
    private static func statusField(_ name: String) -> String? {
      fileText("/proc/thread-self/status")?.split(separator: "\n").first { $0.hasPrefix(name + ":") }.map {
        String($0.dropFirst(name.count + 1)).trimmed
      }
    }

    private static func fileText(_ path: String) -> String? {
      let result = millrace_open(path, O_RDONLY | O_CLOEXEC, 0)
      guard result >= 0 else { return nil }
      defer { Glibc.close(Int32(result)) }
      var bytes = [UInt8](repeating: 0, count: 8192)
      let count = read(Int32(result), &bytes, bytes.count)
      guard count > 0 else { return nil }
      return String(decoding: bytes[..<count], as: UTF8.self).trimmed
    }
  }

  extension String {
    fileprivate var trimmed: String {
      var text = Substring(self)
      while let last = text.last, last.isWhitespace { text.removeLast() }
      while let first = text.first, first.isWhitespace { text.removeFirst() }
      return String(text)
    }
  }
#else
  /// The place of io_uring in builds without it.
  enum MethodUring {
    static func obstacle() -> String? {
      #if os(Linux)
        "this build was made without it; build with the IOUring trait (swift build --traits IOUring)"
      #else
        "io_uring is a Linux interface"
      #endif
    }
  }
#endif
