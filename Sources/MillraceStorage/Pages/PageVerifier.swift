import CMillrace

/// What a look at a page that was just read found. One byte, made without allocating, fit for completion callbacks.
public struct PageVerdict: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8

  @inlinable public init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// The page may enter the buffer pool: PostgreSQL's `PageIsVerified` returns true.
  @inlinable public static var valid: PageVerdict { PageVerdict(rawValue: 1 << 0) }
  /// The checksum does not fit the page. Together with `valid` if the caller chose to ignore that.
  @inlinable public static var checksumFailed: PageVerdict { PageVerdict(rawValue: 1 << 1) }
  /// The header makes no sense, or the page is uninitialized and yet not all zero.
  @inlinable public static var headerInvalid: PageVerdict { PageVerdict(rawValue: 1 << 2) }
  /// The page is all zero: it was allocated and never written. Always together with `valid`.
  @inlinable public static var allZero: PageVerdict { PageVerdict(rawValue: 1 << 3) }

  @inlinable public var isValid: Bool { contains(.valid) }
}

/// The check of every page that is read from disk: PostgreSQL's `PageIsVerified` (src/backend/storage/page/bufpage.c).
public enum PageVerifier {
  /// Decides about a page as PostgreSQL does.
  ///
  /// - A page that is all zero is valid: a relation was extended and the server crashed before it filled the page.
  /// - A page that says it is uninitialized (`pd_upper` is zero) and is not all zero is invalid; its checksum is not
  ///   looked at.
  /// - `ignoreChecksumFailure` forgives a wrong checksum, never a header that makes no sense.
  ///
  /// One pass over the page. Does not allocate, lock, throw or log; any thread, any time.
  ///
  /// - Parameters:
  ///   - page: `PageLayout.blockSize` readable bytes, of any alignment. They are not written to.
  ///   - block: Where in its fork the page was read.
  ///   - checksumsEnabled: Whether the cluster keeps checksums (`ControlFile.checksumsEnabled`).
  ///   - ignoreChecksumFailure: PostgreSQL's setting `ignore_checksum_failure`.
  ///   - computed: The checksum, where the caller has computed it already, as for two pages at once.
  public static func isVerified(
    _ page: UnsafeRawPointer, block: BlockNumber, checksumsEnabled: Bool, ignoreChecksumFailure: Bool = false,
    computed: UInt16? = nil
  ) -> PageVerdict {
    let header = PageHeader(page)
    if header.isNew {
      return millrace_page_is_zero(page) ? [.valid, .allZero] : .headerInvalid
    }

    var verdict: PageVerdict = []
    if checksumsEnabled && (computed ?? millrace_checksum_page(page, block.rawValue)) != header.checksum {
      verdict.insert(.checksumFailed)
    }
    if !header.isSane {
      verdict.insert(.headerInvalid)
    }
    if verdict.isEmpty || (verdict == .checksumFailed && ignoreChecksumFailure) {
      verdict.insert(.valid)
    }
    return verdict
  }
}
