import CMillrace
import Glibc
import Synchronization

/// Memory that I/O goes into and out of: one private anonymous mapping, aligned for direct I/O and, where the system
/// gives them, on huge pages. Private and not shared, because transparent huge pages are not given to shared memory.
public final class IOMemory: @unchecked Sendable {
  // Safe because the mapping itself never changes; who may touch which bytes is decided by handles and pins.

  public enum HugePages: String, Sendable, CaseIterable {
    case off
    /// As far as they can be had: reserved ones, else transparent ones.
    case `try`
    /// Reserved ones or an error.
    case on
  }

  public let baseAddress: UnsafeMutableRawPointer
  /// Bytes asked for.
  public let byteCount: Int
  /// Whether reserved huge pages (MAP_HUGETLB) back it.
  public let usesReservedHugePages: Bool

  private let mapping: UnsafeMutableRawPointer
  private let mappedBytes: Int

  private static let hugePageBytes = 2 << 20
  /// What one thread populates at a time.
  private static let populatedBytes = 64 << 20
  /// Alignment of the start where huge pages are not in play: a page, more than any device asks for.
  private static let pageBytes = 4096

  /// Maps zero-filled memory.
  /// - Throws: ``IOError`` when the system has no such memory, with what to change.
  public init(byteCount: Int, hugePages: HugePages = .try) throws(IOError) {
    guard byteCount > 0 else {
      throw IOError(.invalidConfiguration, message: "memory of \(byteCount) bytes was asked for; at least 1 is needed")
    }
    let huge = hugePages != .off && byteCount >= Self.hugePageBytes
    let alignment = huge ? Self.hugePageBytes : Self.pageBytes
    let rounded = (byteCount + alignment - 1) / alignment * alignment
    let protection = PROT_READ | PROT_WRITE
    let kind = MAP_PRIVATE | MAP_ANONYMOUS

    #if os(Linux)
      if huge, let reserved = mmap(nil, rounded, protection, kind | Int32(MAP_HUGETLB), -1, 0), reserved != MAP_FAILED {
        (baseAddress, self.byteCount, usesReservedHugePages) = (reserved, byteCount, true)
        (mapping, mappedBytes) = (reserved, rounded)
        return
      }
    #endif
    guard hugePages != .on else {
      throw IOError(
        .systemCall, errno: errno,
        message: "could not map \(rounded) bytes of huge pages; raise vm.nr_hugepages or set huge_pages to try")
    }
    // Mapped larger than needed, so that an aligned start lies inside.
    let total = rounded + alignment - Self.pageBytes
    guard let address = mmap(nil, total, protection, kind, -1, 0), address != MAP_FAILED else {
      throw IOError(.systemCall, errno: errno, message: "could not map \(total) bytes of memory")
    }
    let start = address.alignedUp(toMultipleOf: alignment)
    #if os(Linux)
      if huge { madvise(start, rounded, Int32(MADV_HUGEPAGE)) }
    #endif
    (baseAddress, self.byteCount, usesReservedHugePages) = (start, byteCount, false)
    (mapping, mappedBytes) = (address, total)
  }

  /// The bytes. Valid as long as this object lives.
  public var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: baseAddress, count: byteCount)
  }

  deinit { munmap(mapping, mappedBytes) }

  /// Has the system provide all pages now, on all processors: for memory that is going to be pinned as a whole, which
  /// by itself would clear them on one. Where the system cannot, they come when they are used.
  func populate() {
    #if os(Linux)
      let pieceCount = (byteCount + Self.populatedBytes - 1) / Self.populatedBytes
      let processorCount = min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 8)
      let pieces = Pieces()
      let populate: @Sendable () -> Void = { [self] in
        while case let piece = pieces.next.wrappingAdd(1, ordering: .relaxed).oldValue, piece < pieceCount {
          let start = piece * Self.populatedBytes
          madvise(baseAddress + start, min(Self.populatedBytes, byteCount - start), Int32(MADV_POPULATE_WRITE))
        }
      }
      let helpers = (1..<max(min(processorCount, pieceCount), 1)).compactMap { _ in
        do throws(IOError) { return try NamedThread("populate", populate) } catch { return nil }
      }
      populate()
      for helper in helpers { helper.join() }
    #endif
  }

  /// Which piece is next.
  private final class Pieces: Sendable {
    let next = Atomic<Int>(0)
  }
}
