import MillraceWAL

extension HeapUpdateRecord {
  /// What the new version of a row has in common with the old one at its two ends, in bytes of their columns. A record
  /// need not repeat it where both are on one page.
  struct Common: Sendable, Equatable {
    var prefix = 0
    var suffix = 0

    /// Looks for it (`log_heap_update`): less than three bytes are not worth two for their length.
    init(_ old: HeapTuple, _ new: HeapTuple) {
      let (old, new) = (old.data, new.data)
      let shorter = min(old.count, new.count)
      while prefix < shorter, old[prefix] == new[prefix] { prefix += 1 }
      if prefix < 3 { prefix = 0 }
      while suffix < shorter - prefix, old[old.count - 1 - suffix] == new[new.count - 1 - suffix] { suffix += 1 }
      if suffix < 3 { suffix = 0 }
    }

    init() {}
  }

  /// Adds the record's data: its own, and what rebuilds the new version as data of block 0.
  /// - Parameters:
  ///   - new: the new version as it is on its page; stays there until the record is in the log.
  ///   - common: what it has in common with the old version, where that is on the same page.
  mutating func append(to builder: WALRecordBuilder, new: HeapTuple, common: Common) {
    if common.prefix > 0 { flags |= HeapRecordFlags.updatePrefixFromOld }
    if common.suffix > 0 { flags |= HeapRecordFlags.updateSuffixFromOld }
    append(to: builder)
    if common.prefix > 0 { builder.appendBlockData(0, UInt16(common.prefix)) }
    if common.suffix > 0 { builder.appendBlockData(0, UInt16(common.suffix)) }
    HeapRecordHeader(new).append(to: builder, block: 0)
    let end = new.bytes.count - common.suffix
    if common.prefix == 0 {
      builder.registerBlockData(0, UnsafeRawBufferPointer(rebasing: new.bytes[HeapTuple.headerSize..<end]))
    } else {
      builder.registerBlockData(0, UnsafeRawBufferPointer(rebasing: new.bytes[HeapTuple.headerSize..<new.dataOffset]))
      builder.registerBlockData(
        0, UnsafeRawBufferPointer(rebasing: new.bytes[new.dataOffset + common.prefix..<end]))
    }
  }
}
