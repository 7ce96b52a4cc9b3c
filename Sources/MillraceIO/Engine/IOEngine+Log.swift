import Logging

extension IOEngine {
  // Lines for the log, from floors above that know no logger.

  package func logInfo(_ line: @autoclosure () -> String) { logger.info("\(line())") }

  package func logWarning(_ line: @autoclosure () -> String) { logger.warning("\(line())") }
}
