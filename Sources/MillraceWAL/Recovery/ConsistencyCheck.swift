import MillraceIO
import MillraceStorage

/// Compares what redo has made of a page with what whoever logged the change had made of it: records that were logged
/// under `wal_consistency_checking` have an image for that (PostgreSQL's verifyBackupPageConsistency).
final class ConsistencyCheck {
  private let logged = UnsafeMutableRawPointer.allocate(byteCount: PageLayout.blockSize, alignment: 8)
  private let repeated = UnsafeMutableRawPointer.allocate(byteCount: PageLayout.blockSize, alignment: 8)

  deinit {
    logged.deallocate()
    repeated.deallocate()
  }

  /// - Throws: ``RecoveryError`` `.corrupted` where a page differs in more than `manager` masks.
  func check(
    _ record: WALRecord, _ manager: ResourceManager, _ context: RedoContext
  ) throws(RecoveryError) {
    for block in record.blocks {
      // Where the image has been put in the page's place there is nothing to compare.
      guard let image = block.image, !block.appliesImage, try copyPage(block, of: record, context) else { continue }
      do throws(WALProblem) {
        try image.restore(to: logged, record: record.start, blockID: block.id)
      } catch {
        throw RecoveryError(error)
      }
      for page in [logged, repeated] {
        page.storeBytes(of: 0, toByteOffset: PageLayout.Offset.lsn, as: UInt64.self)
        page.storeBytes(of: 0, toByteOffset: PageLayout.Offset.checksum, as: UInt16.self)
        (page + image.hole.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: image.hole.count)
        manager.mask(page, block: block.block)
      }
      let place = (0..<PageLayout.blockSize).first {
        logged.load(fromByteOffset: $0, as: UInt8.self) != repeated.load(fromByteOffset: $0, as: UInt8.self)
      }
      guard let place else { continue }
      let locator = block.locator
      throw RecoveryError(
        .corrupted,
        "inconsistent page found, rel \(locator.tablespace)/\(locator.database)/\(locator.relNumber), "
          + "forknum \(block.fork.rawValue), blkno \(block.block): it differs from byte \(place) on")
    }
  }

  /// Copies a page as it is now. - Returns: false where it is not there, or has later changes already.
  private func copyPage(
    _ block: WALBlockReference, of record: WALRecord, _ context: RedoContext
  ) throws(RecoveryError) -> Bool {
    let fork = context.fork(block.locator, block.fork)
    do throws(IOError) {
      guard try block.block.rawValue < fork.blockCount() else { return false }
    } catch {
      throw RecoveryError(error)
    }
    do throws(StorageError) {
      var buffer = try context.pool.read(fork, block.block, context.backend)
      buffer.lock(.share, backend: context.backend)
      guard buffer.lsn <= record.end else { return false }
      repeated.copyMemory(from: buffer.bytes, byteCount: PageLayout.blockSize)
      return true
    } catch {
      throw RecoveryError(error)
    }
  }
}
