public import MillraceTypes

/// Conditions that all have to be true, ready to be applied to batches.
public final class CompiledFilter {
  private let conditions: [CompiledExpression]

  /// - Parameter conditions: of type bool, in the order in which they are tried.
  init(_ conditions: [CompiledExpression]) { self.conditions = conditions }

  /// Whether there is nothing to be tested.
  public var isEmpty: Bool { conditions.isEmpty }

  /// Throws out the rows of a batch that do not fulfil it. A condition is evaluated only for the rows that fulfil those
  /// before it.
  public func apply(_ batch: RowBatch, _ arena: Arena) throws(SQLError) {
    for condition in conditions {
      if batch.count == 0 { return }
      let kept = try Self.keep(condition, batch, RowSelection(batch), batch.selection, arena)
      batch.isDense = batch.isDense && kept == batch.count
      batch.count = kept
    }
  }

  /// The rows of a selection that fulfil it, without changing the batch.
  /// - Parameter target: gets their numbers; as long as the selection.
  public func select(
    _ batch: RowBatch, _ rows: RowSelection, into target: UnsafeMutablePointer<UInt16>, _ arena: Arena
  ) throws(SQLError) -> RowSelection {
    var current = rows
    for condition in conditions where current.count > 0 {
      let kept = try Self.keep(condition, batch, current, target, arena)
      current = RowSelection(
        UnsafePointer(target), count: kept, isDense: current.isDense && kept == current.count)
    }
    return current
  }

  private static func keep(
    _ condition: CompiledExpression, _ batch: RowBatch, _ rows: RowSelection,
    _ target: UnsafeMutablePointer<UInt16>, _ arena: Arena
  ) throws(SQLError) -> Int {
    if let comparison = condition as? CompiledBinaryCall, comparison.hasFilter {
      return try comparison.filter(batch, rows, target, arena)
    }
    let result = try condition.evaluate(batch, rows, arena)
    var kept = 0
    for place in 0..<rows.count {
      let row = rows[place]
      target[kept] = UInt16(truncatingIfNeeded: row)
      kept += !result.nulls[row] && result.values[row].bool ? 1 : 0
    }
    return kept
  }
}
