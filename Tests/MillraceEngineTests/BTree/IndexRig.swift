@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

/// A key of up to three columns, as tests compare them.
enum IndexValue: Hashable, Comparable {
  case number(Int64)
  case text([UInt8])
  case null

  static func < (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.number(let a), .number(let b)): a < b
    case (.text(let a), .text(let b)): a.lexicographicallyPrecedes(b)
    case (.null, .null): false
    case (.null, _): false
    case (_, .null): true
    default: false
    }
  }
}

/// An index of a test, and what should be in it.
final class IndexRig {
  struct Entry: Hashable {
    var key: [IndexValue]
    var heapTID: HeapTID
  }

  let index: BTreeIndex
  let columns: [IndexColumn]
  private let arena = Arena()
  var entries: [Entry] = []

  init(_ index: BTreeIndex) {
    self.index = index
    columns = index.layout.keys
  }

  static func create(_ session: Session, _ definition: BTreeIndex.Definition) throws -> IndexRig {
    IndexRig(try session.transaction { session throws(EngineError) in try session.createIndex(definition) })
  }

  static func definition(_ columns: IndexColumn..., isUnique: Bool = false) -> BTreeIndex.Definition {
    BTreeIndex.Definition(IndexLayout(keys: columns), isUnique: isUnique)
  }

  func datum(_ value: IndexValue, _ column: Int) -> Datum {
    switch value {
    case .null: Datum(word: 0)
    case .text(let bytes): arena.copy(bytes)
    case .number(let number): Datum(number)
    }
  }

  @discardableResult
  func insert(
    _ key: [IndexValue], _ heapTID: HeapTID, _ session: Session, _ check: UniquenessCheck? = nil
  ) throws(EngineError) -> IndexInsertResult {
    arena.reset()
    var values = key.enumerated().map { datum($0.element, $0.offset) }
    var nulls: UInt32 = 0
    for (number, value) in key.enumerated() where value == .null { nulls |= 1 << UInt32(number) }
    let result = try values.withMutable { base throws(EngineError) in
      try session.insert(base, nulls: nulls, heapTID.identifier, into: index, check)
    }
    if result == .inserted { entries.append(Entry(key: key, heapTID: heapTID)) }
    return result
  }

  func add(_ key: [IndexValue], _ heapTID: HeapTID, to build: IndexBuild) throws(EngineError) {
    arena.reset()
    var values = key.enumerated().map { datum($0.element, $0.offset) }
    var nulls: UInt32 = 0
    for (number, value) in key.enumerated() where value == .null { nulls |= 1 << UInt32(number) }
    try values.withMutable { base throws(EngineError) in try build.add(base, nulls: nulls, heapTID.identifier) }
    entries.append(Entry(key: key, heapTID: heapTID))
  }

  /// The order of the index.
  func isLess(_ left: Entry, _ right: Entry) -> Bool {
    for (number, column) in columns.enumerated() where left.key[number] != right.key[number] {
      let (a, b) = (left.key[number], right.key[number])
      if a == .null { return column.nullsFirst }
      if b == .null { return !column.nullsFirst }
      return column.isDescending ? b < a : a < b
    }
    return left.heapTID < right.heapTID
  }

  var sorted: [Entry] { entries.sorted(by: isLess) }

  /// Checks the whole index, and that it has just the entries that it should have.
  func check(_ session: Session, _ comment: String = "", _ location: SourceLocation = #_sourceLocation) throws {
    var checker = BTreeChecker(index, session)
    var found: Set<HeapTID> = []
    checker.visit = { found.insert(HeapTID($1)) }
    _ = try checker.run()
    #expect(checker.problems == [], "\(comment)", sourceLocation: location)
    #expect(found == Set(entries.map(\.heapTID)), "\(comment)", sourceLocation: location)
    #expect(checker.entryCount == UInt64(entries.count), "\(comment)", sourceLocation: location)
  }

  func scan(
    _ session: Session, _ keys: [IndexScanKey] = [], _ direction: ScanDirection = .forward
  ) throws -> [HeapTID] {
    let scan = BTreeScan(index, session, keys)
    var found: [HeapTID] = []
    while let place = try scan.next(direction) { found.append(HeapTID(place)) }
    return found
  }
}

extension [Datum] {
  /// Calls `body` with the array's memory, for typed errors.
  mutating func withMutable<Result, Failure: Error>(
    _ body: (UnsafeMutablePointer<Datum>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeMutableBufferPointer { memory -> Swift.Result<Result, Failure> in
      do throws(Failure) {
        guard let base = memory.baseAddress else { preconditionFailure("a key of no columns") }
        return .success(try body(base))
      } catch {
        return .failure(error)
      }
    }.get()
  }
}

extension HeapTID {
  init(_ number: Int) { self.init(rawValue: UInt64(number / 50) << 16 | UInt64(number % 50 + 1)) }
}
