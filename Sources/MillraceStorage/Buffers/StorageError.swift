public import MillraceIO

/// Why pages could not be had: one sentence, in PostgreSQL's words where it has them.
public struct StorageError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Equatable {
    /// The system could not read.
    case io(IOError)
    /// A page is not what it should be (SQLSTATE XX001, data_corrupted).
    case invalidPage
    /// All buffers are pinned (SQLSTATE 53000).
    case noUnpinnedBuffers
  }

  public let code: Code
  /// The blocks that were asked for and are not there; empty where the error is not about blocks.
  public let blocks: Range<UInt32>
  public let message: String
  public let detail: String?
  public let hint: String?

  public var description: String {
    [message, detail.map { "DETAIL: \($0)" }, hint.map { "HINT: \($0)" }].compactMap { $0 }.joined(separator: "; ")
  }

  init(
    _ code: Code, blocks: Range<UInt32> = 0..<0, message: String, detail: String? = nil, hint: String? = nil
  ) {
    (self.code, self.blocks, self.message, self.detail, self.hint) = (code, blocks, message, detail, hint)
  }

  static func io(_ error: IOError, blocks: Range<UInt32>) -> StorageError {
    StorageError(.io(error), blocks: blocks, message: error.description)
  }

  static func noUnpinnedBuffers(count: Int) -> StorageError {
    StorageError(
      .noUnpinnedBuffers, message: "no unpinned buffers available",
      hint: "All \(count) buffers are in use; raise shared_buffers or run fewer scans at once.")
  }
}

/// What pages of one read were found to be, in PostgreSQL's words (buffer_readv_report).
struct PageReport {
  let detail: PageVerificationDetail
  let path: String
  let firstBlock: UInt32
  let blockCount: UInt32

  private var first: UInt32 { firstBlock + detail.firstOffset }
  private var last: UInt32 { firstBlock + blockCount - 1 }

  private func others(_ count: UInt32) -> String { "See server log for the other \(count) invalid block(s)." }

  /// The error of pages that cannot be used.
  var error: StorageError {
    let blocks = firstBlock..<firstBlock + blockCount
    guard detail.badCount > 1 else {
      return StorageError(
        .invalidPage, blocks: blocks, message: "invalid page in block \(first) of relation \"\(path)\"")
    }
    return StorageError(
      .invalidPage, blocks: blocks,
      message: "\(detail.badCount) invalid pages among blocks \(firstBlock)..\(last) of relation \"\(path)\"",
      detail: "Block \(first) held the first invalid page.", hint: others(detail.badCount - 1))
  }

  /// The warning of pages that were zeroed, or taken in spite of their checksum.
  var warning: String {
    let among = "among blocks \(firstBlock)..\(last) of relation \"\(path)\""
    if detail.isZeroed, detail.ignoredCount > 0 {
      return "zeroing \(detail.badCount) page(s) and ignoring \(detail.ignoredCount) checksum failure(s) \(among)"
    }
    if detail.isZeroed {
      return detail.badCount == 1
        ? "invalid page in block \(first) of relation \"\(path)\"; zeroing out page"
        : "zeroing out \(detail.badCount) invalid pages \(among)"
    }
    return detail.ignoredCount == 1
      ? "ignoring checksum failure in block \(first) of relation \"\(path)\""
      : "ignoring \(detail.ignoredCount) checksum failures \(among)"
  }
}
