/// When a setting may change, from the strictest to the freest.
///
/// PostgreSQL's `GucContext` has the same under other names: `internal`, `postmaster`, `sighup`, `superuser`, `user`.
public enum SettingContext: String, Sendable, CaseIterable {
  /// Nobody sets it: it shows what is.
  case fixed
  /// Fixed at start: memory and threads are sized by it.
  case restart
  /// Changes when the configuration is read again, for everyone at once.
  case reload
  /// A session may change it for itself if its role is a superuser.
  case superuser
  /// Any session may change it for itself.
  case session
}

/// Who asks for a change and when; decides which contexts may follow.
public enum SettingMoment: Sendable, CaseIterable {
  /// Before the engine starts: everything may be set. The command line's `-c` is here.
  case start
  /// The configuration is being read again while the engine runs.
  case reload
  /// A superuser's session says `SET`.
  case superuserSession
  /// Anyone's session says `SET`.
  case session
}

extension SettingContext {
  /// Throws if a setting of this context cannot change at that moment. The words are PostgreSQL's.
  func requireChangeable(_ name: String, at moment: SettingMoment) throws(SettingError) {
    switch (self, moment) {
    case (.fixed, _): throw SettingError(.notNow, "parameter \"\(name)\" cannot be changed")
    case (_, .start), (.reload, .reload), (.superuser, .reload), (.session, .reload),
      (.superuser, .superuserSession), (.session, .superuserSession), (.session, .session):
      return
    case (.restart, .reload), (.restart, .superuserSession), (.restart, .session):
      throw SettingError(.notNow, "parameter \"\(name)\" cannot be changed without restarting the server")
    case (.reload, .superuserSession), (.reload, .session):
      throw SettingError(.notNow, "parameter \"\(name)\" cannot be changed now")
    case (.superuser, .session):
      throw SettingError(.permissionDenied, "permission denied to set parameter \"\(name)\"")
    }
  }
}
