/// Whether the buffer pool lives in huge pages: the values of `huge_pages`.
public enum HugePagesSetting: String, SettingEnumeration {
  case off
  case on
  /// If the system has them.
  case `try`

  public static var synonyms: [String: Self] { BooleanWords.map(true: .on, false: .off) }
}

/// How the buffer pool's memory is had from the system: the values of `shared_memory_type`.
public enum SharedMemoryTypeSetting: String, SettingEnumeration {
  case mmap

  public static var refusals: [String: String] {
    ["sysv": "All sessions live in one process, so no System V shared memory is needed."]
  }
}

/// Whether recovery reads ahead in the WAL: the values of `recovery_prefetch`.
public enum RecoveryPrefetchSetting: String, SettingEnumeration {
  case off
  case on
  /// If the system can.
  case `try`

  public static var synonyms: [String: Self] { BooleanWords.map(true: .on, false: .off) }
}

/// The words that PostgreSQL's enumerations with `on` and `off` accept besides, for they were booleans once.
enum BooleanWords {
  static func map<Value>(true yes: Value, false no: Value) -> [String: Value] {
    ["true": yes, "yes": yes, "1": yes, "false": no, "no": no, "0": no]
  }
}
