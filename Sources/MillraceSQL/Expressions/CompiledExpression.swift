public import MillraceTypes

/// An expression that is ready to be evaluated, for a batch of rows at a time.
///
/// A tree of objects, one virtual call for a node and a batch: the loops over rows are inside of the nodes. Belongs to
/// one statement's execution and is used by its thread. Its results lie in its own memory and in the arena it is given,
/// and are valid until it is evaluated again and until that arena is reset.
public class CompiledExpression {
  public final let type: ValueType
  /// What ``value(_:)`` evaluates over.
  private final var rowWithoutColumns: RowBatch?

  init(_ type: ValueType) { self.type = type }

  /// The values of some rows of a batch. For rows that are not asked for nothing is computed, so that they can cause no
  /// error.
  /// - Parameters:
  ///   - batch: what input columns refer to.
  ///   - rows: of the batch; those that it has selected, or some of them.
  ///   - arena: for values by reference, which must live as long as the result is used.
  /// - Throws: ``SQLError``: what the functions throw, such as 22012.
  public func evaluate(
    _ batch: RowBatch, _ rows: RowSelection, _ arena: Arena
  ) throws(SQLError) -> ColumnVector {
    preconditionFailure("an expression of type \(type.id.rawValue) does not say how it is evaluated")
  }

  /// The values of the rows that a batch has selected.
  public final func evaluate(_ batch: RowBatch, _ arena: Arena) throws(SQLError) -> ColumnVector {
    try evaluate(batch, RowSelection(batch), arena)
  }

  /// The value of an expression that reads no columns: of a default, a key of an index scan, a LIMIT.
  public func value(_ arena: Arena) throws(SQLError) -> Datum? {
    let batch = rowWithoutColumns ?? RowBatch(columns: 0, capacity: 1)
    rowWithoutColumns = batch
    batch.setDense(1)
    return try evaluate(batch, RowSelection(batch), arena)[0]
  }

  /// The input column that it simply is; nil for all else.
  public var inputColumn: Int? { nil }

  /// Whether it has the same value for all rows of an execution, whatever the executor's parameters are.
  var isConstant: Bool { false }

  /// Whether it has the same value for all rows of a batch.
  var isSingleValue: Bool { false }

  /// Whether a value may still be toasted.
  var mayBeToasted: Bool { false }
}

/// One that keeps its results in memory of its own.
class ComputingExpression: CompiledExpression {
  final let storage = VectorStorage()

  /// Room for the results of a batch.
  @inline(__always) final func result(for batch: RowBatch) -> ColumnVector {
    storage.reserve(batch.capacity)
    return storage.vector
  }
}
