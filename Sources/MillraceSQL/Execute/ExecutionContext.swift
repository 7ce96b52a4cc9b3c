public import MillraceEngine
public import MillraceTypes

/// What the execution of one statement shares among all of its nodes and expressions. Used by the session's thread.
public final class ExecutionContext {
  public let session: Session
  public let catalog: SessionCatalog
  public unowned let environment: any SessionEnvironment
  /// How values are read and written; its time is that of the transaction's begin.
  public var typeSettings: TypeSettings
  /// `$1` is the first.
  public let parameters: TupleSlot
  /// Counts how often the parameters were given values.
  private(set) var parametersVersion: UInt64 = 0
  /// Set by nested loops, subplans and initial subplans: ``TypedParameter/Source/executor(_:)``.
  public let executorParameters: TupleSlot
  /// Counts how often each executor parameter was set, so that what depends on it knows when to start over.
  public internal(set) var parameterGenerations: [UInt64]
  /// For values that live until the statement's end. What a batch needs goes to the arena of the node that made it.
  public let arena = Arena()
  /// What is read by, where that is not the session's current snapshot: registered by whoever sets it.
  public var snapshot: Snapshot?
  /// Runs the statement's subplans, by their index.
  public var subplans: [any SubplanEvaluator] = []

  public init(
    _ session: Session, _ environment: any SessionEnvironment, _ typeSettings: TypeSettings, parameters: TupleSlot,
    executorParameterCount: Int
  ) {
    (self.session, catalog, self.environment) = (session, session.catalog, environment)
    (self.typeSettings, self.parameters) = (typeSettings, parameters)
    executorParameters = TupleSlot(count: executorParameterCount)
    parameterGenerations = Array(repeating: 0, count: executorParameterCount)
  }

  /// Begins another execution of the same plan.
  func beginAgain(_ typeSettings: TypeSettings, _ parameters: TupleSlot) {
    self.typeSettings = typeSettings
    self.parameters.copy(parameters)
    parametersVersion &+= 1
  }

  /// Gives an executor parameter its value. Values by reference must live until it is set again.
  public func setParameter(_ number: Int, _ value: Datum?) {
    executorParameters[number] = value
    parameterGenerations[number] &+= 1
  }
}

/// A subplan as expressions see it. Its arguments have been set by ``ExecutionContext/setParameter(_:_:)``.
public protocol SubplanEvaluator: AnyObject {
  /// Whether there is a row.
  func exists() throws(SQLError) -> Bool
  /// The first column of its only row; nil for NULL or no row. Two rows are an error (21000).
  func scalar() throws(SQLError) -> Datum?
  /// `ARRAY(query)`: the array.
  func array() throws(SQLError) -> Datum
  /// For ANY and ALL: its rows, one after the other; nil at the end. `restart` begins anew.
  func restart() throws(SQLError)
  func next() throws(SQLError) -> TupleSlot?
}
