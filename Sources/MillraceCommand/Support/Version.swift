/// What this program is.
enum Version {
  /// Counted up with each release; CHANGELOG.md says what is in it.
  static let current = "0.1.0-dev"
}
