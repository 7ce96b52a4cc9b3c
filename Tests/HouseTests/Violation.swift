/// One thing that is wrong with the repository, where it is, and what to write instead.
struct Violation: Hashable, CustomStringConvertible {
  let path: String
  /// From 1; 0 where it is the file as a whole.
  let line: Int
  let message: String

  init(_ path: String, line: Int = 0, _ message: String) {
    self.path = path
    self.line = line
    self.message = message
  }

  var description: String { line == 0 ? "\(path): \(message)" : "\(path):\(line): \(message)" }
}
