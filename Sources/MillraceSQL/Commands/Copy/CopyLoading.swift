import MillraceEngine
import MillraceTypes

/// Puts the rows of COPY FROM into a table (PostgreSQL's commands/copyfrom.c). On its session's thread.
final class CopyLoading {
  private let sql: SQLSession
  private let relation: RelationDescriptor
  /// The table's columns that the data has, in its order.
  private let places: [Int]
  private let types: [TypeDescriptor]
  /// How each of them is read; in memory of its own, so that reading a value counts no reference.
  private let columns: UnsafeMutablePointer<InputColumn>
  private let columnCount: Int
  private let options: CopyOptions
  private let reader: CopyReader
  private let context: ExecutionContext
  private let loader: TableLoader
  /// Columns that the data does not have, and what they get.
  private var defaults: [(column: Int, value: CompiledExpression)] = []
  private var generated: [(column: Int, value: CompiledExpression)] = []
  private let condition: CompiledExpression?
  /// Whether rows have more than the data gives, or not all of them count.
  private var isComputed = true
  /// The row that is being read, which is the inserter's, and the same as expressions see it.
  private let row: TupleSlot
  private let batch: RowBatch
  private let arena = Arena()
  private let settings: TypeSettings
  private var fieldCount = 0
  /// Of CSV: whether a field in quotes may be NULL, and one without may not.
  private let forcesNull: [Bool]
  private let forcesNotNull: [Bool]
  private let forces: Bool
  /// The column that is being read, for messages.
  private var column = -1
  /// Bytes of the present row's data.
  private var rowSize = 0

  private struct InputColumn {
    var place: Int
    var typmod: Int32
    var kind: InputKind
  }

  /// What is read without a call through the type's description, and without a copy.
  private enum InputKind { case int2, int4, int8, text, varchar, other }

  init(
    _ sql: SQLSession, _ relation: RelationDescriptor, _ places: [Int], _ options: CopyOptions,
    _ condition: Expression?, _ input: any CopyInput
  ) throws(SQLError) {
    (self.sql, self.relation, self.places, self.options) = (sql, relation, places, options)
    // One more, so that it is noticed.
    reader = CopyReader(input, options, fieldsMax: places.count + 1)
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
    columnCount = places.count
    columns = .allocate(capacity: max(places.count, 1))
    for (index, place) in places.enumerated() {
      let typmod = relation.tuple.columns[place].typmod
      (columns + index).initialize(to: InputColumn(place: place, typmod: typmod, kind: Self.kind(of: types[index])))
    }
    forcesNull = places.map { options.forceNull.contains(relation.tuple.columns[$0].name) }
    forcesNotNull = places.map { options.forceNotNull.contains(relation.tuple.columns[$0].name) }
    forces = forcesNull.contains(true) || forcesNotNull.contains(true)
    context = ExecutionContext(
      sql.session, sql, sql.typeSettings, parameters: sql.noParameters, executorParameterCount: 0)
    let compiler = ExpressionCompiler(context)
    let analyzer = sql.makeAnalyzer()
    let inserter = try TableInserter(relation, checks: try Self.checks(relation, context), context)
    loader = TableLoader(inserter)
    (row, batch) = (inserter.row, inserter.batch)
    self.condition = try condition.map { raw throws(SQLError) in
      let typed = try analyzer.analyzeExpression(raw, over: relation, expecting: ValueType(.bool), for: .copyWhere)
      return try compiler.compile(StoredExpression.overColumns(typed))
    }
    for (place, column) in relation.tuple.columns.enumerated() where !column.isDropped {
      if column.generated != .none, let text = column.defaultExpression {
        let type = ValueType(column.typeID, column.typmod)
        let typed = try StoredExpression.analyze(text, over: relation, type, .generatedColumn, context)
        generated.append((place, try compiler.compile(typed)))
      } else if !places.contains(place), let value = try analyzer.defaultValue(of: place, relation) {
        defaults.append((place, try compiler.compile(value)))
      }
    }
    isComputed = !defaults.isEmpty || !generated.isEmpty || self.condition != nil
  }

  deinit { columns.deallocate() }

  private static func kind(of type: TypeDescriptor) -> InputKind {
    switch type.id {
    case .int2: .int2
    case .int4: .int4
    case .int8: .int8
    case .text: .text
    case .varchar: .varchar
    default: .other
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
      try loader.finish()
    } catch {
      throw located(error)
    }
    return loader.count
  }

  private func load() throws(SQLError) {
    if reader.lineNumber & 63 == 0 {
      try SQLError.engine { () throws(EngineError) in try sql.session.checkInterrupts() }
    }
    if isComputed {
      for (column, value) in defaults { row[column] = try value.value(arena) }
      for (column, value) in generated { row[column] = try value.evaluate(batch, arena)[0] }
      if let condition, try condition.evaluate(batch, arena)[0]?.bool != true { return }
    }
    try loader.insert(size: rowSize, tag: UInt64(reader.lineNumber))
  }

  /// Where in the data something is wrong: CONTEXT.
  private func located(_ error: SQLError) -> SQLError {
    var error = error
    if error.isOfConnection {
      // The line that was waited for counts.
      error.context = "COPY \(relation.name), line \(reader.lineNumber + 1)"
      return error
    }
    guard reader.lineNumber > 0, error.context == nil else { return error }
    if let refused = loader.refused {
      // Its line is not there any more.
      error.context = "COPY \(relation.name), line \(refused)"
      return error
    }
    var words = "COPY \(relation.name), line \(reader.lineNumber)"
    if column >= 0 {
      words += ", column \(relation.tuple.columns[places[column]].name)"
      if options.format != .binary, column < fieldCount {
        let field = reader.fields[column]
        words += field.isNull ? ": null input" : ": \"\(Self.shortened(field.bytes))\""
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
    let next = try reader.nextLine()
    line = next
    guard let line = next else { return false }
    rowSize = line.count
    if !reader.isLineASCII {
      do throws(TypeError) {
        try UTF8Encoding.validate(line)
      } catch {
        // It cannot be shown.
        self.line = nil
        throw SQLError(error)
      }
    }
    // A table without columns has empty lines.
    if columnCount == 0, line.isEmpty { return true }
    fieldCount = try reader.split(line)
    guard fieldCount <= columnCount else {
      throw SQLError(.badCopyFileFormat, "extra data after last expected column")
    }
    for index in 0..<fieldCount {
      var field = reader.fields[index]
      if forces { force(&field, index) }
      if field.isNull { continue }
      do throws(TypeError) {
        row[columns[index].place] = try value(of: field.bytes, index)
      } catch {
        column = index
        throw SQLError(error)
      }
    }
    guard fieldCount == columnCount else {
      throw SQLError(
        .badCopyFileFormat,
        "missing data for column \"\(relation.tuple.columns[places[fieldCount]].name)\"")
    }
    return true
  }

  @inline(__always) private func value(of bytes: ByteView, _ index: Int) throws(TypeError) -> Datum {
    switch columns[index].kind {
    case .int2: try Int2Type.input(bytes)
    case .int4: try Int4Type.input(bytes)
    case .int8: try Int8Type.input(bytes)
    // The data stays where it is until the row has been formed.
    case .text: Datum(bytes)
    case .varchar: Datum(try VarcharType.coerce(bytes, typmod: columns[index].typmod, isExplicit: false))
    case .other: try types[index].input(bytes, columns[index].typmod, settings, arena)
    }
  }

  /// FORCE_NULL and FORCE_NOT_NULL.
  private func force(_ field: inout CopyReader.Field, _ index: Int) {
    if field.isNull {
      if forcesNotNull[index] { field.isNull = false }
    } else if forcesNull[index], field.isQuoted, field.bytes.elementsEqual(options.null) {
      field.isNull = true
    }
  }

  private func readHeader() throws(SQLError) {
    line = try reader.nextLine()
    guard let line, options.matchesHeader else { return }
    let count = try reader.split(line)
    guard count == places.count else {
      throw SQLError(
        .badCopyFileFormat, "wrong number of fields in header line: got \(count), expected \(places.count)")
    }
    for (index, place) in places.enumerated() {
      let name = relation.tuple.columns[place].name
      let field = reader.fields[index]
      let found = field.isNull ? nil : field.bytes.string
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
    reader.nextRow(fields: places.count)
    guard let count = try reader.integer(Int16.self), count != -1 else { return false }
    guard Int(count) == places.count else {
      throw SQLError(
        .badCopyFileFormat, "row field count is \(count), expected \(places.count)")
    }
    rowSize = 0
    for index in 0..<places.count {
      column = index
      guard let length = try reader.integer(Int32.self) else {
        throw SQLError(.badCopyFileFormat, "unexpected EOF in COPY data")
      }
      if length == -1 { continue }
      guard length >= 0, let bytes = try reader.bytes(Int(length)) else {
        throw SQLError(.badCopyFileFormat, "invalid field size")
      }
      rowSize += Int(length)
      do throws(TypeError) {
        row[columns[index].place] = try received(bytes, index)
      } catch {
        throw SQLError(error)
      }
    }
    column = -1
    return true
  }
  private func received(_ bytes: ByteView, _ index: Int) throws(TypeError) -> Datum {
    switch columns[index].kind {
    case .int4 where bytes.count == 4: return Datum(Int32(bigEndian: bytes.load(at: 0)))
    case .int8 where bytes.count == 8: return Datum(Int64(bigEndian: bytes.load(at: 0)))
    case .text:
      try UTF8Encoding.validate(bytes)
      return Datum(bytes)
    default:
      var field = ByteReader(bytes)
      let value = try types[index].receive(&field, columns[index].typmod, arena)
      guard field.isAtEnd else {
        throw TypeError(.invalidBinaryRepresentation, "incorrect binary data format")
      }
      return value
    }
  }
}

extension CopyLoading {
  /// Rows that have been loaded so far.
  var loadedCount: UInt64 { loader.inserter.count }
}
