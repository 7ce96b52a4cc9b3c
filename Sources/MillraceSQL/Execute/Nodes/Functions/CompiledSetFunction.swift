import MillraceEngine
import MillraceTypes

/// A call of a set-returning function that is ready to be run. Used by its statement's thread.
class CompiledSetFunction {
  /// Begins to give the rows for one row of a batch.
  /// - Parameter arena: for the arguments, as long as rows are asked for.
  func start(_ batch: RowBatch, row: Int, _ arena: Arena) throws(SQLError) {
    preconditionFailure("a function does not say how its rows begin")
  }

  /// Fills in the next rows.
  /// - Parameters:
  ///   - columns: where the result's columns go.
  ///   - row: the number of the first one.
  ///   - arena: for values by reference.
  /// - Returns: how many; 0 at the end.
  func next(
    into columns: UnsafePointer<TupleColumn>, from row: Int, limit: Int, _ arena: Arena
  ) throws(SQLError) -> Int {
    preconditionFailure("a function does not say which rows it has")
  }
}
