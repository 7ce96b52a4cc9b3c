import Foundation

/// What there is to know about a machine before doing I/O on it.
struct Machine: Encodable {
  /// Name and release of the kernel.
  let kernel: String
  let processor: String?
  let cores: Int
  /// Bytes.
  let memory: Int
  let hugePages: HugePages
  let limits: Limits

  struct HugePages: Encodable {
    /// always, madvise or never; nil where there are none.
    let transparent: String?
    /// vm.nr_hugepages, and how many of those are unused.
    let reserved: Int?
    let reservedFree: Int?
  }

  /// Limits of the process and the kernel; nil where there is none.
  struct Limits: Encodable {
    let openFiles: Int?
    let openFilesMax: Int?
    let lockedMemory: Int?
    /// POSIX AIO requests in flight.
    let posixAioRequests: Int?
    /// kernel.io_uring_disabled; nil where the kernel has no such switch.
    let ioUringDisabled: Int?
  }

  init() {
    var names = utsname()
    uname(&names)
    kernel = "\(Self.text(&names.sysname)) \(Self.text(&names.release)) \(Self.text(&names.machine))"
    processor = Self.field("model name", in: "/proc/cpuinfo")
    cores = ProcessInfo.processInfo.activeProcessorCount
    memory = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    hugePages = HugePages(
      transparent: Self.transparentMode, reserved: Self.number("/proc/sys/vm/nr_hugepages"),
      reservedFree: Self.field("HugePages_Free", in: "/proc/meminfo").flatMap { Int($0) })
    let files = Self.limit(Self.openFiles)
    limits = Limits(
      openFiles: files.current, openFilesMax: files.maximum, lockedMemory: Self.limit(Self.lockedMemory).current,
      posixAioRequests: Self.configuration(Int32(_SC_AIO_MAX)),
      ioUringDisabled: Self.number("/proc/sys/kernel/io_uring_disabled"))
  }

  /// Whether the limit of locked memory does not hold for this process: root's does not, outside of user namespaces.
  var mayLockMemory: Bool { geteuid() == 0 }

  /// Major and minor version of the kernel.
  var kernelVersion: (major: Int, minor: Int)? {
    let release = kernel.split(separator: " ").dropFirst().first ?? ""
    let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
  }

  #if os(Linux)
    private static let openFiles = Int32(RLIMIT_NOFILE.rawValue)
    /// Glibc's module hides it; the number is the same on all architectures in use.
    private static let lockedMemory: Int32 = 8
  #else
    private static let openFiles = RLIMIT_NOFILE
    private static let lockedMemory = RLIMIT_MEMLOCK
  #endif

  private static func limit(_ resource: Int32) -> (current: Int?, maximum: Int?) {
    var limits = rlimit()
    #if os(Linux)
      guard getrlimit(__rlimit_resource_t(UInt32(resource)), &limits) == 0 else { return (nil, nil) }
    #else
      guard getrlimit(resource, &limits) == 0 else { return (nil, nil) }
    #endif
    func number(_ value: rlim_t) -> Int? { value > rlim_t(Int.max) ? nil : Int(value) }
    return (number(limits.rlim_cur), number(limits.rlim_max))
  }

  private static func configuration(_ name: Int32) -> Int? {
    let value = sysconf(name)
    return value > 0 ? value : nil
  }

  private static var transparentMode: String? {
    // The one in brackets is the one in force: "always [madvise] never".
    guard let text = SystemFile.text("/sys/kernel/mm/transparent_hugepage/enabled"),
      let open = text.firstIndex(of: "["), let close = text.firstIndex(of: "]"), open < close
    else { return nil }
    return String(text[text.index(after: open)..<close])
  }

  private static func number(_ path: String) -> Int? { SystemFile.text(path).flatMap { Int($0) } }

  /// The value behind "NAME :" in a file of such lines.
  private static func field(_ name: String, in path: String) -> String? {
    SystemFile.text(path)?.split(separator: "\n").first { $0.hasPrefix(name) }.flatMap { line in
      line.firstIndex(of: ":").map { line[line.index(after: $0)...].trimmingCharacters(in: .whitespaces) }
    }
  }

  private static func text<Characters>(_ characters: inout Characters) -> String {
    withUnsafeBytes(of: &characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

/// The kernel's text files.
enum SystemFile {
  /// All of it without the white space around; nil where there is no such file.
  static func text(_ path: String) -> String? {
    // Such files have no length, so they are read to their end.
    guard let data = try? FileHandle(forReadingFrom: URL(fileURLWithPath: path)).readToEnd() else { return nil }
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
