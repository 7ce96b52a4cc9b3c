public import MillraceIO
import Synchronization

/// The roles of a cluster, in a file beside its settings: one a line, as `name attributes verifier`, names and
/// verifiers in double quotes. (PostgreSQL had such a file for its postmaster up to version 8.4, `global/pg_auth`.)
///
///     "postgres" superuser,replication "SCRAM-SHA-256$4096:…"
///     "joe" login
///
/// Where there is no file there is one role, `postgres`, a superuser without a password.
public final class RoleFile: Sendable {
  public static let name = "millrace_roles"

  private let path: String
  private let fileSystem: IOFileSystem
  private let roles: Mutex<[String: Role]>

  /// - Throws: FATAL: it cannot be read, or makes no sense.
  public init(_ directory: String, fileSystem: IOFileSystem = LocalFileSystem()) throws(ErrorReport) {
    path = "\(directory)/\(Self.name)"
    self.fileSystem = fileSystem
    roles = Mutex(try Self.read(path, fileSystem))
  }

  /// Reads it again.
  public func reload() throws(ErrorReport) {
    let found = try Self.read(path, fileSystem)
    roles.withLock { $0 = found }
  }

  public subscript(name: String) -> Role? { roles.withLock { $0[name] } }

  public var hasPasswords: Bool { roles.withLock { $0.values.contains { $0.password != nil } } }

  /// Makes a role or changes it, durably.
  public func set(_ role: Role) throws(ErrorReport) {
    let changed = roles.withLock { roles in
      roles[role.name] = role
      return roles
    }
    let text = changed.values.sorted { $0.name < $1.name }.map { Self.line($0) + "\n" }.joined()
    do throws(MillraceIO.IOError) {
      try fileSystem.writeDurably(path, Array(text.utf8))
    } catch {
      throw ErrorReport(.fatal, .ioError, error.description)
    }
  }

  // MARK: The text

  private static func read(_ path: String, _ fileSystem: IOFileSystem) throws(ErrorReport) -> [String: Role] {
    let bytes: [UInt8]
    do throws(MillraceIO.IOError) {
      guard try fileSystem.exists(path) else {
        return ["postgres": Role(name: "postgres", isSuperuser: true, canReplicate: true)]
      }
      bytes = try fileSystem.readAll(path)
    } catch {
      throw ErrorReport(.fatal, .ioError, error.description)
    }
    return try parse(String(decoding: bytes, as: UTF8.self), name: path)
  }

  static func parse(_ text: String, name: String) throws(ErrorReport) -> [String: Role] {
    var reader = HBALines(read: { _ in nil })
    var roles: [String: Role] = [:]
    for line in reader.lines(of: text, name: name) {
      func refusal(_ what: String) -> ErrorReport {
        ErrorReport(.fatal, .configurationFileError, "line \(line.number) of file \"\(name)\": \(what)")
      }
      guard (2...3).contains(line.fields.count), let roleName = line.fields[0].first?.text else {
        throw refusal("a role has a name, attributes, and perhaps a password's verifier")
      }
      var role = Role(name: roleName, canLogIn: true)
      for word in line.fields[1] {
        switch word.text {
        case "superuser": role.isSuperuser = true
        case "replication": role.canReplicate = true
        case "login": role.canLogIn = true
        case "nologin": role.canLogIn = false
        default: throw refusal("there is no attribute \"\(word.text)\"")
        }
      }
      if line.fields.count == 3 {
        guard let verifier = line.fields[2].first?.text, ScramVerifier(verifier) != nil else {
          throw refusal("the verifier is not one of SCRAM-SHA-256")
        }
        role.password = verifier
      }
      roles[roleName] = role
    }
    return roles
  }

  private static func line(_ role: Role) -> String {
    let attributes = [
      role.isSuperuser ? "superuser" : nil, role.canReplicate ? "replication" : nil,
      role.canLogIn ? "login" : "nologin",
    ].compactMap { $0 }
    let fields = ["\"\(role.name.replacing("\"", with: "\"\""))\"", attributes.joined(separator: ",")]
    return (fields + (role.password.map { ["\"\($0)\""] } ?? [])).joined(separator: " ")
  }
}
