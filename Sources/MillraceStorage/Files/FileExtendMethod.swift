/// How a relation's file grows by more than a few blocks: the values of `file_extend_method`, by their names.
public enum FileExtendMethod: String, Sendable, CaseIterable {
  /// Space is reserved and nothing written; zeros are written where the file system cannot do that.
  case allocate = "posix_fallocate"
  /// Zeros are written.
  case writeZeros = "write_zeros"

  /// Up to so many blocks zeros are written in any case: to reserve so little fragments the file on many file systems
  /// and spoils their delayed allocation (mdzeroextend).
  static let fewBlocks: UInt32 = 8
}
