import MillraceStorage

/// A data directory made by hand: what PostgreSQL's would have of directories and metadata, and no relations.
struct DataDirectoryImage {
  let temporary: TemporaryDirectory

  var path: String { temporary.path + "/data" }

  init(_ control: ControlFileImage = ControlFileImage(), version: String = "18\n") throws {
    temporary = try TemporaryDirectory()
    try write(Array(version.utf8), to: "PG_VERSION")
    try write(control.bytes, to: "global/pg_control")
    try temporary.createDirectory("data/base/5")
    try temporary.createDirectory("data/pg_tblspc")
  }

  /// A directory whose relations have segments of that many blocks.
  init(segmentBlocks: UInt32) throws {
    try self.init(ControlFileImage(segmentBlocks: segmentBlocks))
  }

  func open() throws -> DataDirectory { try DataDirectory(path: path) }

  func write(_ bytes: some Sequence<UInt8>, to relative: String) throws {
    try temporary.write(bytes, to: "data/" + relative)
  }

  /// Makes a file of that many blocks and bytes.
  func write(blocks: Int, bytes: Int = 0, to relative: String) throws {
    try temporary.writeSparse(length: UInt64(blocks * 8192 + bytes), to: "data/" + relative)
  }

  func createDirectory(_ relative: String) throws { try temporary.createDirectory("data/" + relative) }

  func createLink(_ relative: String, to target: String) throws {
    try temporary.createLink("data/" + relative, to: target)
  }
}
