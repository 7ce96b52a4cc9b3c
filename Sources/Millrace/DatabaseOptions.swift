/// How a database is opened.
public struct DatabaseOptions: Sendable {
  /// Settings over those of the cluster's own files: `["io_method": "io_uring", "io_direct": "data,wal"]`.
  public var settings: [String: String] = [:]
  /// Whether a new cluster is made where the directory is empty, or not there.
  public var createsIfMissing = true
  /// How many statements can be at work at once; each has a thread.
  public var connectionsMax = 8
  /// Which of the cluster's databases.
  public var databaseName = "postgres"
  public var user = "postgres"
  /// What the database has to say: notices, and what recovery did. On any thread.
  public var onNotice: @Sendable (String) -> Void = { _ in }

  public init() {}
}
