import MillraceEngine
import MillraceTypes

/// Puts the rows of COPY FROM into a table (PostgreSQL's commands/copyfrom.c). On its session's thread.
final class CopyLoading {
  private let sql: SQLSession
  private let relation: RelationDescriptor
  /// The table's columns that the data has, in its order.
  private let places: [Int]
  private let types: [TypeDescriptor]
  private let typmods: [Int32]
  private let options: CopyOptions
  private let reader: CopyReader
  private let context: ExecutionContext
  private let inserter: TableInserter
  /// Columns that the data does not have, and what they get.
  private var defaults: [(column: Int, value: CompiledExpression)] = []
  private var generated: [(column: Int, value: CompiledExpression)] = []
  private let condition: CompiledExpression?
  private let row: TupleSlot
  private let batch: RowBatch
  private let arena = Arena()
  private let settings: TypeSettings
  private var fields: [CopyReader.Field] = []
  /// Of CSV: whether a field in quotes may be NULL, and one without may not.
  private let forcesNull: [Bool]
  private let forcesNotNull: [Bool]
  /// The column that is being read, for messages.
  private var column = -1

  init(
    _ sql: SQLSession, _ relation: RelationDescriptor, _ places: [Int], _ options: CopyOptions,
    _ condition: Expression?, _ input: any CopyInput
  ) throws(SQLError) {
    (self.sql, self.relation, self.places, self.options) = (sql, relation, places, options)
    reader = CopyReader(input, options)
    settings = sql.typeSettings
    var types: [TypeDescriptor] = []
    for place in places {
      let column = relation.tuple.columns[place]
      guard let type = column.type else {
        throw .unsupported("COPY into column \"\(column.name)\" of a type that is not built in")
      }
      types.append(type)
    }
    self.types = types
    typmods = places.map { relation.tuple.columns[$0].typmod }
    forcesNull = places.map { options.forceNull.contains(relation.tuple.columns[$0].name) }
    forcesNotNull = places.map { options.forceNotNull.contains(relation.tuple.columns[$0].name) }
    context = ExecutionContext(
      sql.session, sql, sql.typeSettings, parameters: sql.noParameters, executorParameterCount: 0)
    let compiler = ExpressionCompiler(context)
    let analyzer = sql.makeAnalyzer()
    inserter = try TableInserter(relation, checks: try Self.checks(relation, context), context)
    self.condition = try condition.map { raw throws(SQLError) in
      let typed = try analyzer.analyzeExpression(raw, over: relation, expecting: ValueType(.bool), for: .copyWhere)
      return try compiler.compile(StoredExpression.overColumns(typed))
    }
    row = TupleSlot(count: relation.tuple.count)
    batch = RowBatch(sharing: relation.tuple.count, capacity: 1)
    for column in 0..<row.count {
      batch.share(column, TupleColumn(values: row.values + column, nulls: row.nulls + column))
    }
    batch.setDense(1)
    for (place, column) in relation.tuple.columns.enumerated() where !column.isDropped {
      if column.generated != .none, let text = column.defaultExpression {
        let type = ValueType(column.typeID, column.typmod)
        let typed = try StoredExpression.analyze(text, over: relation, type, .generatedColumn, context)
        generated.append((place, try compiler.compile(typed)))
      } else if !places.contains(place), let value = try analyzer.defaultValue(of: place, relation) {
        defaults.append((place, try compiler.compile(value)))
      }
    }
  }

  private static func checks(
    _ relation: RelationDescriptor, _ context: ExecutionContext
  ) throws(SQLError) -> [NamedCheck] {
    var checks: [NamedCheck] = []
    for constraint in relation.constraints where constraint.kind == .check && constraint.isEnforced {
      guard let text = constraint.expression else { continue }
      checks.append(
        NamedCheck(
          constraint.name,
          try StoredExpression.analyze(text, over: relation, ValueType(.bool), .check, context)))
    }
    return checks
  }

  /// Loads everything. - Returns: how many rows.
  func run() throws(SQLError) -> UInt64 {
    do throws(SQLError) {
      if options.format == .binary { try readSignature() }
      if options.hasHeader { try readHeader() }
      while try readRow() { try load() }
      try inserter.finish()
    } catch {
      throw located(error)
    }
    return inserter.count
  }

  private func load() throws(SQLError) {
    try SQLError.engine { () throws(EngineError) in try sql.session.checkInterrupts() }
    for (column, value) in defaults { row[column] = try value.value(arena) }
    for (column, value) in generated { row[column] = try value.evaluate(batch, arena)[0] }
    if let condition, try condition.evaluate(batch, arena)[0]?.bool != true { return }
    try inserter.insert(row)
  }

  /// Where in the data something is wrong: CONTEXT.
  private func located(_ error: SQLError) -> SQLError {
    guard reader.lineNumber > 0, error.context == nil else { return error }
    var error = error
    var words = "COPY \(relation.name), line \(reader.lineNumber)"
    if column >= 0 {
      words += ", column \(relation.tuple.columns[places[column]].name)"
      if options.format != .binary, column < fields.count {
        words += fields[column].bytes.map { ": \"\(Self.shortened($0))\"" } ?? ": null input"
      }
    } else if options.format != .binary, let line {
      words += ": \"\(Self.shortened(line))\""
    }
    error.context = words
    return error
  }

  private var line: ByteView?

  /// limit_printout_length.
  private static func shortened(_ bytes: ByteView) -> String {
    bytes.count <= 100 ? bytes.string : bytes.upTo(100).string + "..."
  }

  // MARK: Rows

  /// - Returns: false at the end.
  private func readRow() throws(SQLError) -> Bool {
    arena.reset()
    row.clear()
    column = -1
    return options.format == .binary ? try readBinary() : try readText()
  }

  private func readText() throws(SQLError) -> Bool {
    guard let line = try reader.nextLine() else {
      self.line = nil
      return false
    }
    self.line = line
    try requireUTF8(line)
    // A table without columns has empty lines.
    if places.isEmpty, line.isEmpty { return true }
    try reader.fields(of: line, into: &fields)
    guard fields.count <= places.count else {
      throw SQLError(.badCopyFileFormat, "extra data after last expected column")
    }
    guard fields.count == places.count else {
      throw SQLError(
        .badCopyFileFormat,
        "missing data for column \"\(relation.tuple.columns[places[fields.count]].name)\"")
    }
    for index in 0..<places.count {
      column = index
      guard let bytes = text(of: index) else { continue }
      do throws(TypeError) {
        row[places[index]] = try types[index].input(bytes, typmods[index], settings, arena)
      } catch {
        throw SQLError(error)
      }
    }
    column = -1
    return true
  }

  /// A field's text; nil for NULL.
  private func text(of index: Int) -> ByteView? {
    let field = fields[index]
    guard options.format == .csv else { return field.bytes }
    if let bytes = field.bytes {
      if forcesNull[index], field.isQuoted, bytes.elementsEqual(options.null) { return nil }
      return bytes
    }
    return forcesNotNull[index] ? arena.copy(options.null).bytes : nil
  }

  private func requireUTF8(_ line: ByteView) throws(SQLError) {
    guard line.buffer.contains(where: { $0 >= 128 || $0 == 0 }) else { return }
    guard !line.buffer.contains(0), String(validating: line.buffer, as: UTF8.self) != nil else {
      throw SQLError(.characterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"")
    }
  }

  private func readHeader() throws(SQLError) {
    guard let line = try reader.nextLine() else { return }
    guard options.matchesHeader else { return }
    try reader.fields(of: line, into: &fields)
    guard fields.count == places.count else {
      throw SQLError(
        .badCopyFileFormat,
        "wrong number of fields in header line: got \(fields.count), expected \(places.count)")
    }
    for (index, place) in places.enumerated() {
      let name = relation.tuple.columns[place].name
      let found = fields[index].bytes?.string
      guard found != name else { continue }
      throw SQLError(
        .badCopyFileFormat,
        "column name mismatch in header line field \(index + 1): got \(found.map { "\"\($0)\"" } ?? "null value"), "
          + "expected \"\(name)\"")
    }
  }

  // MARK: Binary

  private func readSignature() throws(SQLError) {
    guard let signature = try reader.bytes(11), signature.elementsEqual(CopyWriter.signature.prefix(11)) else {
      throw SQLError(.badCopyFileFormat, "COPY file signature not recognized")
    }
    guard let flags = try reader.integer(UInt32.self) else {
      throw SQLError(.badCopyFileFormat, "invalid COPY file header (missing flags)")
    }
    guard flags & 0xFFFF_0000 == 0 else {
      throw SQLError(.badCopyFileFormat, "unrecognized critical flags in COPY file header")
    }
    guard let length = try reader.integer(Int32.self), length >= 0 else {
      throw SQLError(.badCopyFileFormat, "invalid COPY file header (missing length)")
    }
    if length > 0 { _ = try reader.bytes(Int(length)) }
  }

  private func readBinary() throws(SQLError) -> Bool {
    reader.nextRow()
    guard let count = try reader.integer(Int16.self), count != -1 else { return false }
    guard Int(count) == places.count else {
      throw SQLError(
        .badCopyFileFormat, "row field count is \(count), expected \(places.count)")
    }
    for index in 0..<places.count {
      column = index
      guard let length = try reader.integer(Int32.self) else {
        throw SQLError(.badCopyFileFormat, "unexpected EOF in COPY data")
      }
      if length == -1 { continue }
      guard length >= 0, let bytes = try reader.bytes(Int(length)) else {
        throw SQLError(.badCopyFileFormat, "invalid field size")
      }
      do throws(TypeError) {
        var field = ByteReader(bytes)
        row[places[index]] = try types[index].receive(&field, typmods[index], arena)
        guard field.isAtEnd else {
          throw TypeError(.invalidBinaryRepresentation, "incorrect binary data format")
        }
      } catch {
        throw SQLError(error)
      }
    }
    column = -1
    return true
  }
}

extension CopyLoading {
  /// Rows that have been loaded so far.
  var loadedCount: UInt64 { inserter.count }
}
