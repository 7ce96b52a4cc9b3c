/// Which call makes WAL durable: the values of `wal_sync_method`.
public enum WALSyncMethodSetting: String, SettingEnumeration {
  case fsync
  #if os(macOS) || os(Windows)
    case fsyncWritethrough = "fsync_writethrough"
  #endif
  case fdatasync
  case openSync = "open_sync"
  case openDatasync = "open_datasync"
  /// Whichever of `fdatasync` and direct `open_datasync` is faster on the volume, measured once. Not PostgreSQL's.
  case auto

  #if !os(macOS) && !os(Windows)
    public static var refusals: [String: String] {
      ["fsync_writethrough": "\"fsync_writethrough\" exists on macOS and Windows only."]
    }
  #endif

  /// PostgreSQL's choice for this platform.
  public static var platformDefault: Self {
    #if os(macOS) || os(Windows)
      .openDatasync
    #else
      .fdatasync
    #endif
  }
}

/// What a commit waits for: the values of `synchronous_commit`.
public enum SynchronousCommitSetting: String, SettingEnumeration {
  case local
  case remoteWrite = "remote_write"
  case remoteApply = "remote_apply"
  case on
  case off

  public static var synonyms: [String: Self] { BooleanWords.map(true: .on, false: .off) }
}

/// How a relation file grows by more than a few blocks: the values of `file_extend_method`.
public enum FileExtendMethodSetting: String, SettingEnumeration {
  #if os(Linux) || os(FreeBSD)
    case posixFallocate = "posix_fallocate"
  #endif
  case writeZeros = "write_zeros"

  /// Without writing where the platform can do that.
  public static var platformDefault: Self {
    #if os(Linux) || os(FreeBSD)
      .posixFallocate
    #else
      .writeZeros
    #endif
  }

  #if !os(Linux) && !os(FreeBSD)
    public static var refusals: [String: String] {
      ["posix_fallocate": "This platform has no posix_fallocate()."]
    }
  #endif
}

/// How whole files are copied: the values of `file_copy_method`.
public enum FileCopyMethodSetting: String, SettingEnumeration {
  case copy
  #if os(Linux) || os(FreeBSD) || os(macOS)
    /// The file system shares the blocks, where it can.
    case clone
  #else
    public static var refusals: [String: String] { ["clone": "This platform cannot clone files."] }
  #endif
}
