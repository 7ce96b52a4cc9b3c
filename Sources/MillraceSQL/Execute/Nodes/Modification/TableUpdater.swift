import MillraceEngine
import MillraceTypes

/// Puts new versions of a table's rows in the place of old ones, and deletes rows: what UPDATE and DELETE do with each
/// row.
final class TableUpdater {
  private let inserter: TableInserter
  /// Made when it is first needed; holds a snapshot and a page.
  private var knownFetcher: HeapFetcher?
  private let old: TupleSlot
  private let session: Session
  /// Columns that are set and that some index looks at; where none of these changes, no index needs to know.
  private let indexedColumns: [Int]
  private let keyColumns: [Int]
  /// For each index, whether it looks at a column that is set.
  private let isAffected: [Bool]
  private let hasLongValues: Bool
  private let arena = Arena(chunkSize: 1024)

  /// - Parameter updatedColumns: which columns are set.
  init(_ inserter: TableInserter, updatedColumns: [Int]) throws(SQLError) {
    self.inserter = inserter
    session = inserter.context.session
    let relation = inserter.relation
    old = TupleSlot(count: relation.tuple.count)
    let updated = Set(updatedColumns)
    let indexed = inserter.indexes.reduce(into: Set<Int>()) { $0.formUnion($1.referencedColumns) }
    indexedColumns = indexed.intersection(updated).sorted()
    let keys = inserter.indexes.reduce(into: Set<Int>()) { set, entries in
      let index = entries.index
      if index.isUnique, !index.hasExpressions, index.isImmediate {
        set.formUnion(index.columns.prefix(index.keyCount).compactMap(\.column))
      }
    }
    keyColumns = keys.intersection(updated).sorted()
    isAffected = inserter.indexes.map { !$0.referencedColumns.isDisjoint(with: updated) }
    // Nothing can be out of line where there is no table for it.
    hasLongValues =
      relation.toastRelation != 0 && relation.tuple.columns.contains { $0.length == -1 && !$0.isDropped }
  }

  /// Lets go of what it holds, until it is used again.
  func close() { knownFetcher = nil }

  /// The old version of a row, whoever has changed it since; nil where there is none.
  func version(at place: TupleIdentifier) throws(SQLError) -> HeapTuple? {
    let fetcher = try fetcher()
    return try engine { () throws(EngineError) in try fetcher.version(at: place) }
  }

  private func fetcher() throws(SQLError) -> HeapFetcher {
    if let knownFetcher { return knownFetcher }
    let (heap, session) = (inserter.heap, session)
    let made = try engine { () throws(EngineError) in try HeapFetcher(heap, session) }
    knownFetcher = made
    return made
  }

  // MARK: Update

  /// Puts the inserter's row in the place of another.
  /// - Returns: what became of it; with `.done` all indexes know it.
  func update(_ place: TupleIdentifier) throws(SQLError) -> Session.ChangeResult {
    let needsOld = hasLongValues || !indexedColumns.isEmpty
    var previous: HeapTuple?
    if needsOld {
      guard let found = try version(at: place) else { return .deleted }
      previous = found
    }
    var (changesIndexes, changesKey) = (false, false)
    if let previous { changesIndexes = try isAnyChanged(indexedColumns, previous) }
    if changesIndexes { changesKey = try isAnyChanged(keyColumns, nil) }
    let result: Session.ChangeResult
    var obsolete: RowWriter.ObsoleteValues?
    do throws(EngineError) {
      let tuple: HeapTuple
      if let previous, hasLongValues {
        let replacement = try inserter.writer.form(inserter.row, replacing: previous)
        tuple = replacement.tuple
        obsolete = replacement.obsolete
      } else {
        tuple = try inserter.writer.form(inserter.row)
      }
      result = try session.update(
        place, of: inserter.heap, to: tuple, changesIndexedColumns: changesIndexes, changesKey: changesKey)
    } catch {
      throw SQLError(error)
    }
    guard case .done(let new) = result else { return result }
    if let obsolete, !obsolete.isEmpty {
      let writer = inserter.writer
      try engine { () throws(EngineError) in try writer.remove(obsolete) }
    }
    // On another page, or with another key, indexes have to lead to it.
    if changesIndexes || new.block != place.block { try enter(new, changesIndexes) }
    return result
  }

  private func enter(_ place: TupleIdentifier, _ changesIndexes: Bool) throws(SQLError) {
    for (number, index) in inserter.indexes.enumerated() {
      try index.require(
        inserter.row, inserter.batch, at: place, isUnchanged: !changesIndexes || !isAffected[number])
    }
  }

  /// Whether the row differs from an old version in some of its columns, by their bytes (HeapDetermineColumnsInfo).
  /// - Parameter tuple: nil where ``old`` has its values already.
  private func isAnyChanged(_ columns: [Int], _ tuple: HeapTuple?) throws(SQLError) -> Bool {
    guard !columns.isEmpty else { return false }
    let relation = inserter.relation
    if let tuple, !relation.tuple.deformer.deform(tuple, old.values, old.nulls) {
      throw SQLError(.dataCorrupted, "a tuple of relation \"\(relation.name)\" is damaged")
    }
    for column in columns {
      let (before, after) = (old[column], inserter.row[column])
      guard let before, let after else {
        if (before == nil) != (after == nil) { return true }
        continue
      }
      if relation.tuple.columns[column].isByValue {
        if before.word != after.word { return true }
      } else if before.isToasted != after.isToasted || !before.bytes.isEqual(after.bytes) {
        return true
      }
    }
    return false
  }

  // MARK: Delete

  /// Deletes a row.
  func delete(_ place: TupleIdentifier) throws(SQLError) -> Session.ChangeResult {
    var obsolete: RowWriter.ObsoleteValues?
    if hasLongValues, let tuple = try version(at: place), tuple.infomask.contains(.hasExternal) {
      obsolete = inserter.writer.obsoleteValues(deleting: tuple)
    }
    let (session, heap) = (session, inserter.heap)
    let result = try engine { () throws(EngineError) in try session.delete(place, from: heap) }
    if case .done = result, let obsolete, !obsolete.isEmpty {
      let writer = inserter.writer
      try engine { () throws(EngineError) in try writer.remove(obsolete) }
    }
    return result
  }

  // MARK: Reading

  /// Takes a row's values out of its tuple; they stay in its page until the next row is fetched.
  func deform(_ tuple: HeapTuple, into slot: TupleSlot) throws(SQLError) {
    guard inserter.relation.tuple.deformer.deform(tuple, slot.values, slot.nulls) else {
      throw SQLError(.dataCorrupted, "a tuple of relation \"\(inserter.relation.name)\" is damaged")
    }
  }
}
