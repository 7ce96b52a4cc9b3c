import MillraceStorage
import MillraceTypes

/// Forms the rows of a table, and puts those of their values elsewhere that are too long. Made for a statement that
/// changes the table; on its session's thread.
///
/// ```swift
/// let writer = RowWriter(table, session)
/// let place = try session.insert(try writer.form(slot), into: heap)
/// ```
public final class RowWriter {
  public let relation: RelationDescriptor
  private let session: Session
  private let arena = Arena()
  private let buffer = TupleBuffer()
  private let slot: TupleSlot
  private let old: TupleSlot
  /// Whether rows can have values out of line at all.
  private let canToast: Bool
  // Of the table, one step away: each step counts a reference for each row.
  private let former: TupleFormer
  private let columnCount: Int

  public init(_ relation: RelationDescriptor, _ session: Session) {
    (self.relation, self.session) = (relation, session)
    slot = TupleSlot(count: relation.tuple.count)
    old = TupleSlot(count: relation.tuple.count)
    canToast = relation.tuple.columns.contains { $0.length == -1 && !$0.isDropped }
    (former, columnCount) = (relation.tuple.former, relation.tuple.count)
  }

  /// Forms a row.
  /// - Parameter values: one for each column of the table, dropped ones included.
  /// - Returns: a tuple in the writer's memory: valid until the next, and as long as the writer is there. It may be too
  ///   long for a page all the same: inserting it says so.
  /// - Throws: ``EngineError``: what is moved could not be stored.
  public func form(_ values: TupleSlot) throws(EngineError) -> HeapTuple { try form(values, keeping: []) }

  private func form(_ values: TupleSlot, keeping kept: Set<ToastPointer>) throws(EngineError) -> HeapTuple {
    let prepared = try prepare(values, keeping: kept)
    let source = prepared.isChanged ? slot : values
    let tuple = buffer.form(former, prepared.layout, source.values, source.nulls)
    guard !canToast || tuple.bytes.count <= HeapPage.tupleLengthMax else { throw .rowTooBig(tuple.bytes.count) }
    return tuple
  }

  /// A row whose long values have been put elsewhere.
  struct Prepared {
    let layout: TupleFormer.Layout
    /// Whether it has other values now than it had: those that the writer keeps.
    let isChanged: Bool
  }

  /// Puts a row's long values elsewhere. - Returns: how long its tuple gets.
  func prepare(_ values: TupleSlot, keeping kept: Set<ToastPointer> = []) throws(EngineError) -> Prepared {
    precondition(values.count == columnCount, "a row has another number of columns than its table")
    let layout = former.layout(values.values, values.nulls)
    if !canToast || isWhole(layout) { return Prepared(layout: layout, isChanged: false) }
    arena.reset()
    slot.copy(values)
    try session.toast(
      slot, relation.tuple,
      into: { () throws(EngineError) in
        relation.toastRelation == 0 ? nil : try session.catalog.requiredRelation(relation.toastRelation)
      }, keeping: kept, arena)
    return Prepared(layout: former.layout(slot.values, slot.nulls), isChanged: true)
  }

  /// Forms a row that has just been prepared.
  /// - Parameters:
  ///   - values: the same.
  ///   - bytes: where: as many as its tuple gets long, aligned to eight.
  func form(_ prepared: Prepared, _ values: TupleSlot, into bytes: UnsafeMutableRawBufferPointer) -> HeapTuple {
    if prepared.isChanged { return former.form(prepared.layout, slot.values, slot.nulls, into: bytes) }
    return former.form(prepared.layout, values.values, values.nulls, into: bytes)
  }

  /// Whether a tuple is as it is to be stored: short, and without values that may be out of line somewhere else.
  private func isWhole(_ layout: TupleFormer.Layout) -> Bool {
    !layout.hasToasted && layout.length <= ToastTable.tupleThreshold
  }

  /// A row's new version, and what the old one has out of line that the new one has not.
  public struct Replacement {
    public let tuple: HeapTuple
    /// To be removed when the old version has been replaced: ``RowWriter/remove(_:)``.
    public let obsolete: ObsoleteValues
  }

  /// Values out of line that belong to no row any more.
  public struct ObsoleteValues: Sendable {
    let pointers: [ToastPointer]

    public var isEmpty: Bool { pointers.isEmpty }
  }

  /// Forms the new version of a row. Values out of line that it keeps stay where they are.
  /// - Parameter tuple: the old version.
  public func form(_ values: TupleSlot, replacing tuple: HeapTuple) throws(EngineError) -> Replacement {
    let before = externalValues(of: tuple)
    let made = try form(values, keeping: Set(before))
    let after = Set(externalValues(of: made))
    return Replacement(tuple: made, obsolete: ObsoleteValues(pointers: before.filter { !after.contains($0) }))
  }

  /// What a row has out of line, to be removed when the row has been deleted.
  public func obsoleteValues(deleting tuple: HeapTuple) -> ObsoleteValues {
    ObsoleteValues(pointers: externalValues(of: tuple))
  }

  /// Removes values out of line.
  public func remove(_ values: ObsoleteValues) throws(EngineError) { try session.removeToast(values.pointers) }

  private func externalValues(of tuple: HeapTuple) -> [ToastPointer] {
    guard tuple.infomask.contains(.hasExternal),
      relation.tuple.deformer.deform(tuple, old.values, old.nulls)
    else { return [] }
    return relation.tuple.columns.indices.compactMap { index in
      relation.tuple.columns[index].length == -1 ? old[index].flatMap { ToastPointer($0) } : nil
    }
  }
}

extension EngineError {
  /// A tuple that is longer than a page can hold.
  static func rowTooBig(_ length: Int) -> EngineError {
    EngineError(.rowTooBig, "row is too big: size \(length), maximum size \(HeapPage.tupleLengthMax)")
  }
}
