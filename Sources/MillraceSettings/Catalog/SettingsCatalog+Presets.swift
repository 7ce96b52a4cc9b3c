extension SettingsCatalog {
  /// What clients ask for and nobody sets: how the program was built, and what the cluster is.
  static let presets: [SettingDefinition] = [
    .integer("block_size", default: 8192, in: 8192...8192, .fixed, "Shows the size of a page."),
    .integer("wal_block_size", default: 8192, in: 8192...8192, .fixed, "Shows the size of a page of the log."),
    .integer(
      "wal_segment_size", .bytes, default: 16 << 20, in: 1 << 20...1 << 30, .fixed,
      "Shows the size of the files of the log."),
    .integer("max_identifier_length", default: 63, in: 63...63, .fixed, "Shows how long a name can be."),
    .integer("max_index_keys", default: 32, in: 32...32, .fixed, "Shows how many columns an index can have."),
    .integer("max_function_args", default: 100, in: 100...100, .fixed, "Shows how many arguments a function can have."),
    .bool("integer_datetimes", default: true, .fixed, "Shows that times are integers."),
    .bool("data_checksums", default: false, .fixed, "Shows whether pages carry checksums."),
    .bool("in_hot_standby", default: false, .fixed, "Shows whether the server follows another."),
    .bool("is_superuser", default: false, .fixed, "Shows whether the current user is a superuser."),
    .string("server_encoding", default: "UTF8", .fixed, "Shows the encoding of databases."),
    .string("server_version", default: "18.0", .fixed, "Shows the version of PostgreSQL that clients can go by."),
    .integer(
      "server_version_num", default: 180_000, in: 180_000...180_000, .fixed,
      "Shows the version of PostgreSQL as a number."),
    .string("lc_collate", default: "C", .fixed, "Shows how texts are ordered."),
    .string("lc_ctype", default: "C", .fixed, "Shows what counts as a letter."),
    .string("data_directory", default: "", .fixed, "Shows the directory of the cluster."),
    .string("config_file", default: "", .fixed, "Shows the file of settings."),
    .string("hba_file", default: "", .fixed, "Shows the file of rules about who is let in."),
    .string("cluster_name", default: "", .restart, "Names the cluster."),
    .words(
      "wal_level", default: "replica", ["minimal", "replica", "logical"],
      refusals: [
        "minimal": "The log always has what replicas need.", "logical": "There is no logical decoding here.",
      ], .restart, "Shows how much is written to the log."),
  ]
}
