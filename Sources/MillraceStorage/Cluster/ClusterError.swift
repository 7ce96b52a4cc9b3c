/// Why a data directory cannot be opened, or not in the way that was asked for. The description is one sentence that
/// names the path and the cause.
public enum ClusterError: Error, Sendable, Hashable {
  /// There is nothing at that path.
  case dataDirectoryMissing(path: String)
  /// The path is not a directory.
  case notADirectory(path: String)
  /// The directory has no `PG_VERSION`.
  case notADataDirectory(path: String)
  /// `PG_VERSION` names a version of PostgreSQL that is not supported.
  case unsupportedVersion(path: String, found: String)
  case controlFile(path: String, ControlFileError)
  /// `postmaster.pid` does not start with a process number.
  case malformedPIDFile(path: String)
  /// A file that must be a plain file is something else.
  case notARegularFile(path: String)
  /// A directory that every cluster has is not there.
  case missing(path: String)
  /// The operating system refused; `code` is its error number.
  case unreadable(path: String, code: Int32)
  /// The text is neither a file number nor the path of a relation's file.
  case notARelation(String)
  /// The path leads to somewhere else.
  case outsideDataDirectory(path: String, dataDirectory: String)
  /// There is no file of that relation.
  case relationMissing(String, dataDirectory: String)
  /// Several relations have that file number.
  case ambiguousRelation(fileNumber: OID, candidates: [String])
}

extension ClusterError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .dataDirectoryMissing(let path):
      "data directory \"\(path)\" does not exist"
    case .notADirectory(let path):
      "\"\(path)\" is not a directory"
    case .notADataDirectory(let path):
      "\"\(path)\" is not a PostgreSQL data directory: it has no file PG_VERSION"
    case .unsupportedVersion(let path, let found):
      "data directory \"\(path)\" is of PostgreSQL version \"\(found)\"; supported are "
        + "\(DataDirectory.supportedVersions.lowerBound) to \(DataDirectory.supportedVersions.upperBound)"
    case .controlFile(let path, let problem):
      "cannot use \"\(path)\": \(problem)"
    case .malformedPIDFile(let path):
      "\"\(path)\" does not start with a process number, so it cannot be told whether a server is running; "
        + "if none is, remove the file"
    case .notARegularFile(let path):
      "\"\(path)\" is not a regular file"
    case .missing(let path):
      "\"\(path)\" is missing from the data directory"
    case .unreadable(let path, let code):
      "cannot read \"\(path)\": \(systemErrorText(code))"
    case .notARelation(let text):
      "\"\(text)\" is neither a relation's file number nor the path of a relation's file, "
        + "as pg_relation_filepath() gives it"
    case .outsideDataDirectory(let path, let dataDirectory):
      "\"\(path)\" is not inside data directory \"\(dataDirectory)\" or one of its tablespaces"
    case .relationMissing(let text, let dataDirectory):
      "there is no file of relation \"\(text)\" in data directory \"\(dataDirectory)\""
    case .ambiguousRelation(let number, let candidates):
      "file number \(number) is that of several relations, so give one of their paths: "
        + candidates.joined(separator: ", ")
    }
  }
}
