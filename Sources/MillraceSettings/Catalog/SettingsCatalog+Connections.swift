extension SettingsCatalog {
  /// Where the server listens, how many clients it takes, and how long it waits for them.
  static let connections: [SettingDefinition] = [
    .string(
      "listen_addresses", default: "localhost", .restart,
      "Lists the names or addresses on which the server listens, separated by commas; * for all."),
    .integer("port", default: 5432, in: 1...65_535, .restart, "Sets the number of the port on which it listens."),
    .string(
      "unix_socket_directories", default: "/tmp", .restart,
      "Lists the directories in which Unix sockets are made, separated by commas."),
    .integer(
      "max_connections", default: 100, in: 1...backendsMax, .restart, "Sets how many clients there can be at a time."),
    .integer(
      "superuser_reserved_connections", default: 3, in: 0...backendsMax, .restart,
      "Sets how many connections are kept for superusers."),
    .integer(
      "reserved_connections", default: 0, in: 0...backendsMax, .restart,
      "Sets how many connections are kept for members of pg_use_reserved_connections."),
    .integer(
      "authentication_timeout", .seconds, default: 60, in: 1...600, .reload,
      "Sets how long a client may take to say who it is."),
    .integer(
      "tcp_keepalives_idle", .seconds, default: 0, in: 0...integerMax, .session,
      "Sets the time without traffic after which the system asks whether a client is there; 0 for the system's."),
    .integer(
      "tcp_keepalives_interval", .seconds, default: 0, in: 0...integerMax, .session,
      "Sets the time after which the system asks again; 0 leaves it to the system."),
    .integer(
      "tcp_keepalives_count", default: 0, in: 0...integerMax, .session,
      "Sets how often the system asks before a client counts as gone; 0 leaves it to the system."),
    .integer(
      "tcp_user_timeout", .milliseconds, default: 0, in: 0...integerMax, .session,
      "Sets how long what was sent may stay unacknowledged; 0 leaves it to the system."),
    .integer(
      "client_connection_check_interval", .milliseconds, default: 0, in: 0...integerMax, .session,
      "Ends a running statement whose client is gone, which is noticed at once; 0 lets it run to its end."),
    .integer(
      "idle_session_timeout", .milliseconds, default: 0, in: 0...integerMax, .session,
      "Ends sessions that have been idle so long outside of a transaction; 0 never does."),
    .integer(
      "idle_in_transaction_session_timeout", .milliseconds, default: 0, in: 0...integerMax, .session,
      "Ends sessions that have been idle so long inside of a transaction; 0 never does."),
    .bool("ssl", default: false, .reload, "Lets clients encrypt their connections."),
    .string("ssl_cert_file", default: "server.crt", .reload, "Names the file of the server's certificate."),
    .string("ssl_key_file", default: "server.key", .reload, "Names the file of the server's private key."),
    .enumeration(
      "ssl_min_protocol_version", default: TLSVersionSetting.tlsv12, .reload,
      "Sets the oldest version of TLS that is spoken."),
    .enumeration(
      "ssl_max_protocol_version", default: TLSVersionLimitSetting.any, .reload,
      "Sets the newest version of TLS that is spoken."),
  ]

  /// PostgreSQL's MAX_BACKENDS.
  static let backendsMax = (1 << 18) - 1
}
