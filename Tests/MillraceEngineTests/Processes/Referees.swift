import MillraceTestSupport
import Testing

/// Checks a cluster that was shut down with PostgreSQL 18's own programs, where they are installed.
func expectSoundToPostgreSQL(_ cluster: String, _ location: SourceLocation = #_sourceLocation) throws {
  guard PostgresInstallation.isExpected(18) else { return }
  let verdict = try PostgresVerdict(cluster)
  #expect(verdict.objections.isEmpty, sourceLocation: location)
}
