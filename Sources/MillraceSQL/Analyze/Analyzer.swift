public import MillraceEngine
public import MillraceTypes

/// Looks up what a statement's names mean, chooses functions and operators, and gives everything its type: PostgreSQL's
/// parse analysis (src/backend/parser), from the raw tree to a ``Query``.
///
/// One object analyses one statement, inside of a transaction, whose locks keep what was found as it is. Errors are
/// PostgreSQL's own. Analysing reads the session's caches; only what nobody has asked for yet is read from tables.
public final class Analyzer {
  let catalog: SessionCatalog
  unowned let environment: any SessionEnvironment
  /// The types of `$1` and its like.
  public let parameters: ParameterTypes
  /// How literals are read, which happens now and not when the statement runs.
  public var typeSettings = TypeSettings()
  /// The setting `max_stack_depth`, in bytes.
  public var maxStackDepth = 2048 * 1024

  private var loadedFunctions: FunctionCatalog?
  private var loadedTypes: TypeCatalog?
  /// For values while they are read; they are copied out of it.
  private(set) lazy var arena = Arena(chunkSize: 1024)
  /// Views that are being expanded, by their OIDs: none of them can be a part of itself.
  var expandedViews: [UInt32] = []
  /// What names have turned out to mean, while somebody wants to know.
  var resolvedNames: ResolvedNames?
  /// Where a recursive query may not refer to itself, as messages call it, while something in such a place is analysed.
  var recursionObstacle: String?

  public init(
    _ catalog: SessionCatalog, _ environment: any SessionEnvironment, parameters: ParameterTypes = ParameterTypes()
  ) {
    (self.catalog, self.environment, self.parameters) = (catalog, environment, parameters)
  }

  // MARK: Statements

  /// Analyses SELECT, INSERT, UPDATE or DELETE. Relations that it names are locked until the transaction's end.
  ///
  /// A few microseconds for a statement of pgbench. Nothing is proportional to the size of the catalog.
  public func analyze(_ statement: Statement) throws(SQLError) -> Query {
    let query = try analyze(statement, parent: nil)
    try parameters.check(query)
    return query
  }

  func analyze(_ statement: Statement, parent: QueryScope?) throws(SQLError) -> Query {
    switch statement {
    case .select(let select): try analyze(select, QueryScope(parent))
    case .insert(let insert): try analyze(insert, QueryScope(parent))
    case .update(let update): try analyze(update, QueryScope(parent))
    case .delete(let delete): try analyze(delete, QueryScope(parent))
    default: throw .unsupported("analysing a utility statement")
    }
  }

  // MARK: The catalog

  func functions() throws(SQLError) -> FunctionCatalog {
    if let loadedFunctions { return loadedFunctions }
    let loaded = try SQLError.wrapping { () throws(EngineError) in try catalog.functions() }
    loadedFunctions = loaded
    return loaded
  }

  func types() throws(SQLError) -> TypeCatalog {
    if let loadedTypes { return loadedTypes }
    let loaded = try SQLError.wrapping { () throws(EngineError) in try catalog.types() }
    loadedTypes = loaded
    return loaded
  }

  /// Throws `54001` where the statement is nested too deeply for the stack.
  @inline(__always)
  func checkStackDepth() throws(SQLError) {
    do { try StackDepth.check(maxStackDepth) } catch { throw SQLError(error) }
  }

  // MARK: Names of types

  func typeName(_ type: TypeID) -> String { TypeNames.format(type, try? types()) }

  /// A `pg_type` row.
  func entry(_ type: TypeID) throws(SQLError) -> TypeEntry {
    guard let entry = try types().byID[type] else {
      throw SQLError(.undefinedObject, "type with OID \(type.rawValue) does not exist")
    }
    return entry
  }
}
