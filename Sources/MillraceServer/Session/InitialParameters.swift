/// The settings that clients follow, with their values at the start of a session (GUC_REPORT).
enum InitialParameters {
  /// What clients look at to know what they can ask for.
  static let serverVersion = "18.0"

  /// For executors whose settings do not change them.
  static func list(_ session: SessionInformation) -> [(name: String, value: String)] {
    [
      ("in_hot_standby", "off"), ("integer_datetimes", "on"), ("TimeZone", "UTC"), ("IntervalStyle", "postgres"),
      ("search_path", "\"$user\", public"), ("is_superuser", session.role.isSuperuser ? "on" : "off"),
      ("application_name", session.applicationName), ("default_transaction_read_only", "off"),
      ("scram_iterations", "\(ScramVerifier.usualIterations)"), ("DateStyle", "ISO, MDY"),
      ("standard_conforming_strings", "on"), ("session_authorization", session.role.name),
      ("client_encoding", "UTF8"), ("server_version", serverVersion), ("server_encoding", "UTF8"),
    ]
  }
}
