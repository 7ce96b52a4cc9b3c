import MillraceEngine
import MillraceTypes

/// The rows of a set-returning function, for one set of arguments.
class SetFunction {
  /// Begins anew.
  /// - Parameter call: has the arguments, which stay until the last row has been asked for.
  func start(_ call: CallFrame) throws(SQLError) {
    preconditionFailure("a function does not say how its rows begin")
  }

  /// The next row's values, one for each column of the result; false at the end.
  func next(_ values: UnsafeMutablePointer<Datum?>, _ arena: Arena) throws(SQLError) -> Bool {
    preconditionFailure("a function does not say which rows it has")
  }

  var columnCount: Int { 1 }
}

/// A call of a set-returning function: evaluates its arguments and asks for its rows.
final class CompiledSetCall: CompiledSetFunction {
  private let function: SetFunction
  private let arguments: [CompiledExpression]
  private let call: CallFrame
  private let isStrict: Bool
  private var isEmpty = true
  private let row: UnsafeMutablePointer<Datum?>

  init(
    _ function: SetFunction, isStrict: Bool, _ arguments: [CompiledExpression], _ type: ValueType,
    _ context: ExecutionContext
  ) {
    (self.function, self.isStrict, self.arguments) = (function, isStrict, arguments)
    call = CallFrame(arguments.map(\.type), type, context)
    row = .allocate(capacity: max(function.columnCount, 1))
    row.initialize(repeating: nil, count: max(function.columnCount, 1))
  }

  deinit { row.deallocate() }

  override func start(_ batch: RowBatch, row: Int, _ arena: Arena) throws(SQLError) {
    isEmpty = false
    call.arena = arena
    try withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 1) { (number) throws(SQLError) in
      guard let rows = number.baseAddress else { return }
      rows.initialize(to: UInt16(truncatingIfNeeded: row))
      let selection = RowSelection(UnsafePointer(rows), count: 1, isDense: row == 0)
      for (index, argument) in arguments.enumerated() {
        let value = try argument.evaluate(batch, selection, arena)[row]
        call.nulls[index] = value == nil
        call.arguments[index] = value ?? Datum(word: 0)
        if value == nil, isStrict { isEmpty = true }
      }
    }
    if !isEmpty { try function.start(call) }
  }

  override func next(
    into columns: UnsafePointer<TupleColumn>, from first: Int, limit: Int, _ arena: Arena
  ) throws(SQLError) -> Int {
    if isEmpty { return 0 }
    var count = 0
    while count < limit {
      guard try function.next(row, arena) else {
        isEmpty = true
        break
      }
      for column in 0..<function.columnCount {
        columns[column].nulls[first + count] = row[column] == nil
        columns[column].values[first + count] = row[column] ?? Datum(word: 0)
      }
      count += 1
    }
    return count
  }
}

extension ExpressionCompiler {
  /// - Throws: ``SQLError``: 0A000 for a function that this server does not have.
  func setFunction(_ call: CallExpression) throws(SQLError) -> CompiledSetFunction {
    let entry: FunctionEntry?
    do throws(EngineError) { entry = try context.catalog.functions().functions[call.function] } catch {
      throw SQLError(error)
    }
    guard let entry else {
      throw SQLError(.internalError, "cache lookup failed for function \(call.function)", at: call.location)
    }
    guard let function = SetFunctionLibrary.make(entry.source) ?? StatusRows(entry, context.environment) else {
      let arguments = entry.arguments.map { TypeNames.format($0) }
      throw .unsupported("function \(entry.name)(\(arguments.joined(separator: ", ")))", at: call.location)
    }
    return CompiledSetCall(
      function, isStrict: entry.isStrict, try compile(call.arguments).map { wholeValues($0) }, call.type, context)
  }
}

/// Which set-returning function is computed how.
enum SetFunctionLibrary {
  /// - Parameter source: `pg_proc.prosrc`.
  static func make(_ source: String) -> SetFunction? {
    switch source {
    case "generate_series_int4", "generate_series_step_int4": IntegerSeries(isWide: false)
    case "generate_series_int8", "generate_series_step_int8": IntegerSeries(isWide: true)
    case "generate_series_numeric", "generate_series_step_numeric": NumericSeries()
    case "generate_series_timestamp": TimestampSeries(hasZone: false)
    case "generate_series_timestamptz", "generate_series_timestamptz_at_zone": TimestampSeries(hasZone: true)
    case "generate_subscripts", "generate_subscripts_nodir": SubscriptSeries()
    case "array_unnest": ArrayElements()
    case "text_to_table", "text_to_table_null": ListedValues { (call) throws(SQLError) in TextSplitting.split(call) }
    case "regexp_matches", "regexp_matches_no_flags":
      ListedValues { (call) throws(SQLError) in try RegularExpressionCalls.allMatches(call) }
    case "regexp_split_to_table", "regexp_split_to_table_no_flags":
      ListedValues { (call) throws(SQLError) in try RegularExpressionCalls.split(call, "regexp_split_to_table()") }
    case "pg_options_to_table": OptionRows()
    default: nil
    }
  }
}
