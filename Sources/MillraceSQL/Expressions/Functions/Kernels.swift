import MillraceTypes

// How functions are implemented. A *kernel* runs a strict function over the rows of a batch: its loop is compiled for
// that function alone, so that nothing is called row by row. All other functions are called for one row at a time.

/// A strict function of one argument over a batch. Writes the result of each row that is not NULL.
typealias UnaryKernel = @Sendable (UnaryOperands) throws(TypeError) -> Void
/// A strict function of two arguments over a batch.
typealias BinaryKernel = @Sendable (BinaryOperands) throws(TypeError) -> Void
/// A strict comparison over a batch, of which only the rows are wanted for which it is true.
typealias FilterKernel = @Sendable (FilterOperands) -> Int
/// A function for one row; nil is NULL.
typealias ScalarFunction = @Sendable (CallFrame) throws(TypeError) -> Datum?
/// A function that can fail with more than a value's error, because it reads or changes the database.
typealias SessionFunction = @Sendable (CallFrame) throws(SQLError) -> Datum?

struct UnaryOperands {
  let operand: UnsafeMutablePointer<Datum>
  let result: UnsafeMutablePointer<Datum>
  let nulls: UnsafeMutablePointer<Bool>
  let rows: RowSelection
  let hasNulls: Bool
  /// For results that are passed by reference.
  let arena: Arena

  /// Computes each row that is not NULL.
  @inline(__always) func each(_ body: (Datum) throws(TypeError) -> Datum) throws(TypeError) {
    if rows.isDense, !hasNulls {
      for row in 0..<rows.count { result[row] = try body(operand[row]) }
    } else {
      for place in 0..<rows.count {
        let row = rows[place]
        if !nulls[row] { result[row] = try body(operand[row]) }
      }
    }
  }
}

struct BinaryOperands {
  let left: UnsafeMutablePointer<Datum>
  let right: UnsafeMutablePointer<Datum>
  let result: UnsafeMutablePointer<Datum>
  /// Of the result.
  let nulls: UnsafeMutablePointer<Bool>
  let rows: RowSelection
  let hasNulls: Bool
  /// For results that are passed by reference.
  let arena: Arena

  @inline(__always) func each(_ body: (Datum, Datum) throws(TypeError) -> Datum) throws(TypeError) {
    if rows.isDense, !hasNulls {
      for row in 0..<rows.count { result[row] = try body(left[row], right[row]) }
    } else {
      for place in 0..<rows.count {
        let row = rows[place]
        if !nulls[row] { result[row] = try body(left[row], right[row]) }
      }
    }
  }
}

struct FilterOperands {
  let left: ColumnVector
  let right: ColumnVector
  let rows: RowSelection
  let hasNulls: Bool
  /// Whether all rows of the right operand are the same.
  let isRightConstant: Bool
  /// Where the rows that are left go. May be where the selection lies.
  let target: UnsafeMutablePointer<UInt16>

  /// Keeps the rows for which `body` is true; NULL is not.
  /// - Returns: how many there are.
  @inline(__always) func keep(_ body: (Datum, Datum) -> Bool) -> Int {
    var kept = 0
    if hasNulls {
      for place in 0..<rows.count {
        let row = rows[place]
        if left.nulls[row] || right.nulls[row] { continue }
        target[kept] = UInt16(truncatingIfNeeded: row)
        kept += body(left.values[row], right.values[row]) ? 1 : 0
      }
    } else if rows.isDense, isRightConstant, rows.count > 0 {
      // Without a branch that depends on the data: half of the rows may be wanted.
      let constant = right.values[0]
      for row in 0..<rows.count {
        target[kept] = UInt16(truncatingIfNeeded: row)
        kept += body(left.values[row], constant) ? 1 : 0
      }
    } else {
      for place in 0..<rows.count {
        let row = rows[place]
        target[kept] = UInt16(truncatingIfNeeded: row)
        kept += body(left.values[row], right.values[row]) ? 1 : 0
      }
    }
    return kept
  }
}

/// One call of a function that is run row by row. There is one object for a place in an expression, used again for
/// each row.
final class CallFrame {
  let arguments: UnsafeMutablePointer<Datum>
  let nulls: UnsafeMutablePointer<Bool>
  let count: Int
  let argumentTypes: [ValueType]
  let type: ValueType
  unowned let context: ExecutionContext
  /// Whether the last argument is an array of what a variadic function is given (`VARIADIC array`).
  let isVariadic: Bool
  var arena: Arena
  /// What the function keeps from row to row, such as a compiled pattern.
  var memory: AnyObject?

  init(_ argumentTypes: [ValueType], _ type: ValueType, isVariadic: Bool = false, _ context: ExecutionContext) {
    (self.argumentTypes, self.type, self.context) = (argumentTypes, type, context)
    self.isVariadic = isVariadic
    count = argumentTypes.count
    arguments = .allocate(capacity: max(count, 1))
    nulls = .allocate(capacity: max(count, 1))
    arena = context.arena
  }

  deinit {
    arguments.deallocate()
    nulls.deallocate()
  }

  /// An argument that is not NULL.
  @inline(__always) subscript(index: Int) -> Datum {
    precondition(index < count, "a function looks at an argument that it does not have")
    return arguments[index]
  }

  /// An argument of a function that is not strict.
  @inline(__always) func optional(_ index: Int) -> Datum? {
    precondition(index < count, "a function looks at an argument that it does not have")
    return nulls[index] ? nil : arguments[index]
  }

  @inline(__always) func text(_ index: Int) -> ByteView { self[index].bytes }

  var settings: TypeSettings { context.typeSettings }
  var dateTime: DateTimeSettings { context.typeSettings.dateTime }

  /// A text that `body` appends to an empty buffer.
  @inline(__always) func make(_ body: (inout [UInt8]) throws(TypeError) -> Void) throws(TypeError) -> Datum {
    try arena.make(body)
  }
}
