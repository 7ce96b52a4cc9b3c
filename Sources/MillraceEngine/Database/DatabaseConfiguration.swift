public import MillraceIO
public import MillraceSettings

/// How a database is opened.
public struct DatabaseConfiguration: Sendable {
  /// The data directory.
  public var path: String
  /// Settings that the cluster's own files can change: a tool's own defaults.
  public var defaults: [SettingAssignment] = []
  /// Settings besides those in the cluster's own files; the last word.
  public var assignments: [SettingAssignment] = []
  /// Sessions at the same time at most.
  public var sessionsMax = 100
  /// Where the directory is.
  public var fileSystem: IOFileSystem = LocalFileSystem()
  /// The engine to use instead of one by the settings: a simulation's.
  public var engine: IOEngine?
  /// Whether checkpointer, background writer and WAL writer run on threads of their own. Without them nothing happens
  /// but what is called for: a run is then as deterministic as its caller.
  public var hasBackgroundThreads = true
  /// Microseconds since 1970.
  public var clock: @Sendable () -> Int64 = DatabaseConfiguration.systemMicroseconds
  /// Told of what is worth a line in a log.
  public var onNotice: @Sendable (String) -> Void = { _ in }

  public init(path: String) { self.path = path }
}

extension IOMethodKind {
  public init(_ setting: IOMethodSetting) {
    switch setting {
    case .worker: self = .worker
    case .sync: self = .sync
    case .ioUring: self = .ioUring
    case .posixAIO: self = .posixAIO
    case .auto: self = .auto
    }
  }
}

extension IOConfiguration {
  /// What the settings say.
  public init(_ settings: Settings, backendsMax: Int) {
    self.init(method: IOMethodKind(settings[.ioMethod]))
    self.backendsMax = backendsMax
    handlesPerBackend = settings.effectiveIOMaxConcurrency(backendsMax: backendsMax)
    vectorsPerHandle = settings[.ioMaxCombineLimit]
    mergedBytesMax = settings.bytes(.ioMaxCombineLimit)
    workers.workersMin = settings.ioWorkerBounds.lowerBound
    workers.workersMax = settings.ioWorkerBounds.upperBound
    workers.idleTimeoutMilliseconds = settings[.ioWorkerIdleTimeout]
    workers.launchIntervalMilliseconds = settings[.ioWorkerLaunchInterval]
  }
}
