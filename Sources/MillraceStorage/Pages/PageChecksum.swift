import CMillrace

/// PostgreSQL's data page checksum (src/include/storage/checksum_impl.h).
///
/// One pass over the page at the speed of memory, with AVX2 where the processor has it. A page is never written to
/// while its checksum is computed, so it may be shared and read-only. No allocation, no lock; any thread, any time.
public enum PageChecksum {
  /// The checksum that belongs into the header of a page that stands at `block`. Never zero.
  ///
  /// - Parameter page: `PageLayout.blockSize` readable bytes, of any alignment.
  public static func compute(_ page: UnsafeRawPointer, block: BlockNumber) -> UInt16 {
    millrace_checksum_page(page, block.rawValue)
  }

  /// The checksums of two pages, in little more time than that of one.
  public static func compute(
    _ first: (page: UnsafeRawPointer, block: BlockNumber), _ second: (page: UnsafeRawPointer, block: BlockNumber)
  ) -> (first: UInt16, second: UInt16) {
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 2) { checksums in
      guard let both = checksums.baseAddress else { return (0, 0) }
      millrace_checksum_pages(first.page, first.block.rawValue, second.page, second.block.rawValue, both)
      return (both[0], both[1])
    }
  }

  /// Computes the checksum and puts it into the page's header: what is done to a page just before it is written out.
  ///
  /// - Parameter page: `PageLayout.blockSize` writable bytes that nobody changes meanwhile.
  public static func set(_ page: UnsafeMutableRawPointer, block: BlockNumber) {
    let checksum = millrace_checksum_page(page, block.rawValue)
    page.storeBytes(of: checksum, toByteOffset: PageLayout.Offset.checksum, as: UInt16.self)
  }

  /// The same for a page that others may be reading meanwhile: they do not look at this field.
  ///
  /// - Parameter page: a page in memory, at an even address, that nobody changes meanwhile.
  public static func setInPlace(_ page: UnsafeMutableRawPointer, block: BlockNumber) {
    millrace_checksum_set(page, millrace_checksum_page(page, block.rawValue))
  }

  /// The same for two pages, in little more time than for one.
  public static func setInPlace(
    _ first: (page: UnsafeMutableRawPointer, block: BlockNumber),
    _ second: (page: UnsafeMutableRawPointer, block: BlockNumber)
  ) {
    let both = compute((UnsafeRawPointer(first.page), first.block), (UnsafeRawPointer(second.page), second.block))
    millrace_checksum_set(first.page, both.first)
    millrace_checksum_set(second.page, both.second)
  }

  /// Whether every byte of the page is zero.
  ///
  /// - Parameter page: `PageLayout.blockSize` readable bytes, of any alignment.
  public static func isAllZero(_ page: UnsafeRawPointer) -> Bool {
    millrace_page_is_zero(page)
  }
}
