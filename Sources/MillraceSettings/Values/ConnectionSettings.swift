/// A version of TLS: the values of `ssl_min_protocol_version`.
public enum TLSVersionSetting: String, SettingEnumeration {
  case tlsv1 = "TLSv1"
  case tlsv11 = "TLSv1.1"
  case tlsv12 = "TLSv1.2"
  case tlsv13 = "TLSv1.3"

  public static var synonyms: [String: Self] {
    Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue.asciiLowercased, $0) })
  }
}

/// A version of TLS or none: the values of `ssl_max_protocol_version`.
public enum TLSVersionLimitSetting: String, SettingEnumeration {
  case any = ""
  case tlsv1 = "TLSv1"
  case tlsv11 = "TLSv1.1"
  case tlsv12 = "TLSv1.2"
  case tlsv13 = "TLSv1.3"

  public static var synonyms: [String: Self] {
    Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue.asciiLowercased, $0) })
  }

  /// The version; nil for any.
  public var version: TLSVersionSetting? { TLSVersionSetting(rawValue: rawValue) }
}
