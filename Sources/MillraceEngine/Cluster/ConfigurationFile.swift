import MillraceIO
public import MillraceSettings

/// A file of settings in PostgreSQL's syntax (`postgresql.conf`): `name = value` or `name value` on a line of its own;
/// values with blanks in single quotes; `#` begins a comment.
public struct ConfigurationFile {
  /// In the order of their lines; of the same name the last one counts.
  public let assignments: [SettingAssignment]

  /// - Parameter name: as messages show it.
  /// - Throws: ``EngineError`` with the line that cannot be read.
  public init(_ text: String, name: String) throws(EngineError) {
    var assignments: [SettingAssignment] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let statement = Self.withoutComment(line)
      guard !statement.isEmpty else { continue }
      do throws(SettingError) {
        assignments.append(try SettingAssignment(Self.withEqualsSign(statement)))
      } catch {
        throw EngineError(.invalidSetting, "\(name), line \(index + 1): \(error)")
      }
    }
    self.assignments = assignments
  }

  /// Reads a file of a data directory. - Returns: nil where it is not there.
  static func read(_ name: String, in directory: String, _ fileSystem: IOFileSystem) throws(EngineError)
    -> ConfigurationFile?
  {
    let path = "\(directory)/\(name)"
    let bytes: [UInt8]
    do throws(IOError) {
      guard try fileSystem.exists(path) else { return nil }
      bytes = try fileSystem.readAll(path)
    } catch {
      throw EngineError(error)
    }
    return try ConfigurationFile(String(decoding: bytes, as: UTF8.self), name: path)
  }

  private static func withoutComment(_ line: Substring) -> Substring {
    var isQuoted = false
    var end = line.endIndex
    for index in line.indices {
      if line[index] == "'" { isQuoted.toggle() }
      if line[index] == "#", !isQuoted {
        end = index
        break
      }
    }
    var statement = line[..<end].drop(while: \.isWhitespace)
    while statement.last?.isWhitespace == true { statement.removeLast() }
    return statement
  }

  /// The equals sign may be left out.
  private static func withEqualsSign(_ statement: Substring) -> String {
    let name = statement.prefix { !$0.isWhitespace && $0 != "=" }
    let rest = statement.dropFirst(name.count).drop(while: \.isWhitespace)
    return rest.first == "=" ? String(statement) : "\(name)=\(rest)"
  }
}
