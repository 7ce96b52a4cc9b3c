import MillraceEngine
import MillraceIO
import MillraceTypes

/// The implementations of PostgreSQL's functions, by the names that `pg_proc.prosrc` has for them.
enum FunctionLibrary {
  /// A function with what its row says of it.
  final class Function: Sendable {
    let implementation: BuiltInFunction
    let isStrict: Bool
    let name: String

    init(_ implementation: BuiltInFunction, _ entry: FunctionEntry) {
      self.implementation = implementation
      (isStrict, name) = (entry.isStrict, entry.name)
    }
  }

  private static let bySource: [String: BuiltInFunction] = {
    var registry = FunctionRegistry()
    registry.addComparisons()
    registry.addIntegers()
    registry.addFloats()
    registry.addFloatMathematics()
    registry.addNumerics()
    registry.addTexts()
    registry.addBytes()
    registry.addDates()
    registry.addTimestamps()
    registry.addFormatting()
    registry.addArrays()
    registry.addVariadics()
    registry.addRandomNumbers()
    registry.addSessionFunctions()
    registry.addSizeFunctions()
    registry.addPrewarming()
    registry.addStatistics()
    registry.addDefinitions()
    registry.addCatalogFunctions()
    registry.addLogPositions()
    registry.addRegularExpressions()
    return registry.functions
  }()

  /// Functions that have been looked up. Those that come with PostgreSQL are the same in all databases.
  private static let known = Locked([UInt32: Function]())
  /// `FirstNormalObjectId`: where OIDs of what users make begin.
  private static let firstUserOID: UInt32 = 16384

  /// Whether there is an implementation of it.
  static func isImplemented(_ entry: FunctionEntry) -> Bool { bySource[key(entry)] != nil }

  /// The name of the implementation; of functions that PostgreSQL writes in SQL, their own with the arguments' types.
  private static func key(_ entry: FunctionEntry) -> String {
    if !entry.source.isEmpty, !entry.source.contains(" ") { return entry.source }
    let types = entry.arguments.map { TypeDescriptor.builtIn[$0]?.name ?? "\($0.rawValue)" }
    return "\(entry.name)(\(types.joined(separator: ",")))"
  }

  /// A function by its OID.
  /// - Throws: ``SQLError``: 0A000 where there is no implementation.
  static func function(
    _ oid: UInt32, _ catalog: SessionCatalog, at location: Location = .unknown
  ) throws(SQLError) -> Function {
    if let function = known.withLock({ $0[oid] }) { return function }
    let entry: FunctionEntry?
    do throws(EngineError) { entry = try catalog.functions().functions[oid] } catch { throw SQLError(error) }
    guard let entry else { throw SQLError(.internalError, "cache lookup failed for function \(oid)", at: location) }
    guard let implementation = bySource[key(entry)] else {
      let arguments = entry.arguments.map { TypeDescriptor.builtIn[$0]?.name ?? "\($0.rawValue)" }
      throw .unsupported("function \(entry.name)(\(arguments.joined(separator: ", ")))", at: location)
    }
    let function = Function(implementation, entry)
    if oid < firstUserOID { known.withLock { $0[oid] = function } }
    return function
  }
}
