import Glibc
public import MillraceIO

/// Why pages could not be had: one sentence, in PostgreSQL's words where it has them.
public struct StorageError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Equatable {
    /// The system could not read or write.
    case io(IOError)
    /// What was written could not be made durable.
    case syncFailed(IOError)
    /// A page is not what it should be (SQLSTATE XX001, data_corrupted).
    case invalidPage
    /// All buffers are pinned (SQLSTATE 53000).
    case noUnpinnedBuffers
    /// The write-ahead log could not be made durable (``PageFlushGuard``).
    case writeAheadLog
  }

  public let code: Code
  /// The blocks that were asked for and are not given out because of this error, also those of the same read whose own
  /// pages are sound; empty where the error is not about blocks.
  public let blocks: Range<UInt32>
  public let message: String
  public let detail: String?
  public let hint: String?

  public var description: String { Self.joined(message, detail: detail, hint: hint) }

  static func joined(_ message: String, detail: String?, hint: String?) -> String {
    [message, detail.map { "DETAIL: \($0)" }, hint.map { "HINT: \($0)" }].compactMap { $0 }.joined(separator: "; ")
  }

  public init(
    _ code: Code, blocks: Range<UInt32> = 0..<0, message: String, detail: String? = nil, hint: String? = nil
  ) {
    (self.code, self.blocks, self.message, self.detail, self.hint) = (code, blocks, message, detail, hint)
  }

  static func io(_ error: IOError, blocks: Range<UInt32>) -> StorageError {
    let hint = error.errno == ENOSPC ? "Check free disk space." : nil
    return StorageError(.io(error), blocks: blocks, message: error.description, hint: hint)
  }

  static func syncFailed(_ error: IOError, isFinal: Bool) -> StorageError {
    StorageError(
      .syncFailed(error), message: error.description,
      hint: isFinal
        ? "What was written may be lost, and another attempt would not say so; the engine must stop and recover." : nil)
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
  /// Of the read.
  let blocks: Range<UInt32>

  private var first: UInt32 { blocks.lowerBound + detail.firstOffset }
  private var among: String {
    "among blocks \(blocks.lowerBound)..\(blocks.upperBound - 1) of relation \"\(path)\""
  }

  /// The error of pages that cannot be used.
  /// - Parameter missing: the blocks that are not given out because of it.
  func error(missing: Range<UInt32>) -> StorageError {
    let count = detail.badCount
    guard count > 1 else {
      return StorageError(
        .invalidPage, blocks: missing, message: "invalid page in block \(first) of relation \"\(path)\"")
    }
    return StorageError(
      .invalidPage, blocks: missing, message: "\(count) invalid pages \(among)",
      detail: "Block \(first) held the first invalid page.",
      hint: "See server log for the other \(count - 1) invalid block(s).")
  }

  /// The warning of pages that were zeroed, or taken in spite of their checksum.
  var warning: StorageWarning {
    let (zeroed, ignored) = (detail.isZeroed ? detail.badCount : 0, detail.ignoredCount)
    if zeroed > 0, ignored > 0 {
      let others = zeroed + ignored - 1
      return StorageWarning(
        message: "zeroing \(zeroed) page(s) and ignoring \(ignored) checksum failure(s) \(among)",
        detail: zeroed > 1 ? "Block \(first) held the first zeroed page." : nil,
        hint: "See server log for details about the other \(others) invalid \(others == 1 ? "block" : "blocks").")
    }
    if zeroed > 0 {
      guard zeroed > 1 else {
        return StorageWarning(message: "invalid page in block \(first) of relation \"\(path)\"; zeroing out page")
      }
      return StorageWarning(
        message: "zeroing out \(zeroed) invalid pages \(among)", detail: "Block \(first) held the first zeroed page.",
        hint: "See server log for the other \(zeroed - 1) zeroed block(s).")
    }
    guard ignored > 1 else {
      return StorageWarning(message: "ignoring checksum failure in block \(first) of relation \"\(path)\"")
    }
    return StorageWarning(
      message: "ignoring \(ignored) checksum failures \(among)", detail: "Block \(first) held the first ignored page.",
      hint: "See server log for the other \(ignored - 1) ignored block(s).")
  }
}

/// What a read had to zero or ignore, in PostgreSQL's words.
struct StorageWarning: Equatable, CustomStringConvertible {
  let message: String
  var detail: String?
  var hint: String?

  var description: String { StorageError.joined(message, detail: detail, hint: hint) }
}
