import Logging

extension IOEngine {
  /// Writes a line to the log, for floors above that know no logger.
  package func logWarning(_ line: @autoclosure () -> String) { logger.warning("\(line())") }
}
