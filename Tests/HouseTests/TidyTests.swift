import Testing

/// The repository itself, held against every rule.
@Suite("the house is tidy")
struct TidyTests {
  @Test("the repository obeys", arguments: Rule.all)
  func repositoryObeys(rule: Rule) throws {
    for violation in try rule.check(Repository.current.get()) {
      Issue.record(Comment(rawValue: violation.description))
    }
  }

  /// Were the walk to find nothing, everything would be tidy.
  @Test("the walk finds the files that are certainly there")
  func walkFindsFiles() throws {
    let repository = try Repository.current.get()
    for path in ["Package.swift", "Makefile", "Tests/HouseTests/TidyTests.swift", Rule.unsafeList, Rule.installer] {
      #expect(repository.has(path), "\(path)")
    }
    #expect(!repository.files.contains { $0.path.hasPrefix(".build/") || $0.path.hasPrefix(".git/") })
  }
}
