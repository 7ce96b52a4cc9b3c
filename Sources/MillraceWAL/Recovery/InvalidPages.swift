import MillraceStorage

/// Pages that records changed and that are not there, or were never initialized. That is right where a later record
/// drops or cuts off their relation, which a crash may have found done already; whatever is left at the end is not
/// (PostgreSQL's table of invalid pages, src/backend/access/transam/xlogutils.c).
struct InvalidPages {
  struct Page: Hashable {
    let locator: RelationLocator
    let fork: ForkNumber
    let block: UInt32
  }

  /// Whether the page was there, and only not initialized.
  private var pages: [Page: Bool] = [:]

  var isEmpty: Bool { pages.isEmpty }

  mutating func add(_ page: Page, isPresent: Bool) {
    if pages[page] == nil { pages[page] = isPresent }
  }

  /// A relation's fork has been cut off before a block, or dropped.
  mutating func forget(_ locator: RelationLocator, _ fork: ForkNumber? = nil, from block: UInt32 = 0) {
    guard !pages.isEmpty else { return }
    pages = pages.filter { page, _ in
      page.locator != locator || fork.map { $0 != page.fork } ?? false || page.block < block
    }
  }

  mutating func forget(database: OID) {
    pages = pages.filter { page, _ in page.locator.database != database }
  }

  /// The error of what is left; nil where there is nothing.
  var error: RecoveryError? {
    guard !pages.isEmpty else { return nil }
    let named = pages.sorted {
      ($0.key.locator, $0.key.fork.rawValue, $0.key.block) < ($1.key.locator, $1.key.fork.rawValue, $1.key.block)
    }
    let shown = named.prefix(10).map { page, isPresent in
      let path = RelationPath(page.locator, fork: page.fork).formatted(
        versionDirectory: ControlFile.versionDirectoryOf18)
      return "page \(page.block) of relation \(path) \(isPresent ? "is uninitialized" : "does not exist")"
    }
    let rest = named.count - shown.count
    return RecoveryError(
      .invalidPages,
      "WAL contains references to invalid pages: " + shown.joined(separator: ", ")
        + (rest > 0 ? " and \(rest) more" : ""))
  }
}
