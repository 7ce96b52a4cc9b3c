public import MillraceTypes

/// A function, procedure or aggregate: a row of `pg_proc`.
public final class FunctionEntry: Sendable {
  public let oid: UInt32
  public let name: String
  public let namespace: UInt32
  /// `f`unction, `p`rocedure, `a`ggregate, `w`indow function.
  public let kind: Character
  public let isStrict: Bool
  public let returnsSet: Bool
  /// `i`mmutable, `s`table, `v`olatile.
  public let volatility: Character
  public let arguments: [TypeID]
  /// How many of the last arguments may be left out.
  public let defaultCount: Int
  /// The type of a variadic function's last arguments' elements; none for others.
  public let variadic: TypeID
  public let result: TypeID
  /// The name of what implements it: PostgreSQL's C function.
  public let source: String
  /// The values of arguments that may be left out, as SQL.
  public let defaults: String?
  public let outputNames: [String]
  /// Types of all arguments, output ones included; empty where there are only inputs.
  public let allArguments: [TypeID]
  /// `i`n, `o`ut, `b`oth, `v`ariadic, `t`able, as many as ``allArguments``.
  public let modes: [UInt8]

  init(_ row: CatalogRow<CatalogColumns.Procedure>) {
    (oid, name) = (row[.oid].oid, row[.proname].string ?? "")
    (namespace, kind) = (row[.pronamespace].oid, row[.prokind].char)
    (isStrict, returnsSet, volatility) = (row[.proisstrict].bool, row[.proretset].bool, row[.provolatile].char)
    arguments = row[.proargtypes].oids.map { TypeID($0) }
    defaultCount = Int(row[.pronargdefaults].integer)
    (variadic, result) = (TypeID(row[.provariadic].oid), TypeID(row[.prorettype].oid))
    (source, defaults) = (row[.prosrc].string ?? "", row[.proargdefaults].string)
    outputNames = row[.proargnames].strings
    allArguments = row[.proallargtypes].oids.map { TypeID($0) }
    modes = row[.proargmodes].elements.map(\.byte)
  }

  private init(
    _ oid: UInt32, _ name: String, _ arguments: [TypeID], defaults: [String], _ result: TypeID
  ) {
    (self.oid, self.name, source) = (oid, name, name)
    (namespace, kind) = (SystemOID.catalogNamespace, "f")
    (isStrict, returnsSet, volatility) = (false, false, "v")
    (self.arguments, defaultCount, variadic, self.result) = (arguments, defaults.count, .none, result)
    self.defaults = defaults.joined(separator: ", ")
    (outputNames, allArguments, modes) = ([], [], [])
  }

  /// Functions that PostgreSQL has in extensions, and this engine in itself. They have no rows, and OIDs that
  /// PostgreSQL gives to nothing that a new cluster has.
  static let extensions = [
    FunctionEntry(
      16_090, "pg_prewarm", [.regClass, .text, .text, .int8, .int8],
      defaults: ["'buffer'::text", "'main'::text", "NULL::bigint", "NULL::bigint"], .int8)
  ]

  /// A function without arguments that gives rows.
  init(_ own: OwnFunction) {
    (oid, name, namespace, kind) = (own.oid, own.name, SystemOID.catalogNamespace, "f")
    (isStrict, returnsSet, volatility) = (true, true, "v")
    (arguments, defaultCount, variadic, result) = ([], 0, .none, .record)
    (source, defaults) = (own.name, nil)
    outputNames = own.columns.map(\.name)
    allArguments = own.columns.map(\.type)
    modes = own.columns.map { _ in UInt8(ascii: "o") }
  }
}

/// An operator: a row of `pg_operator`.
public final class OperatorEntry: Sendable {
  public let oid: UInt32
  public let name: String
  public let namespace: UInt32
  /// None for a prefix operator.
  public let left: TypeID
  public let right: TypeID
  public let result: TypeID
  public let commutator: UInt32
  public let negator: UInt32
  /// The function that computes it.
  public let function: UInt32
  public let canMerge: Bool
  public let canHash: Bool

  init(_ row: CatalogRow<CatalogColumns.Operator>) {
    (oid, name, namespace) = (row[.oid].oid, row[.oprname].string ?? "", row[.oprnamespace].oid)
    (left, right, result) = (TypeID(row[.oprleft].oid), TypeID(row[.oprright].oid), TypeID(row[.oprresult].oid))
    (commutator, negator, function) = (row[.oprcom].oid, row[.oprnegate].oid, row[.oprcode].oid)
    (canMerge, canHash) = (row[.oprcanmerge].bool, row[.oprcanhash].bool)
  }
}

/// A cast: a row of `pg_cast`.
public struct CastEntry: Sendable {
  public let source: TypeID
  public let target: TypeID
  /// The function that does it; 0 where none is needed.
  public let function: UInt32
  /// `i`mplicit, in `a`ssignments, only `e`xplicit.
  public let context: Character
  /// By `f`unction, by the types' `i`nput and output, or `b`inary coercible.
  public let method: Character

  init(_ row: CatalogRow<CatalogColumns.Cast>) {
    (source, target) = (TypeID(row[.castsource].oid), TypeID(row[.casttarget].oid))
    (function, context, method) = (row[.castfunc].oid, row[.castcontext].char, row[.castmethod].char)
  }
}

/// An operator class: a row of `pg_opclass`.
public struct OperatorClassEntry: Sendable {
  public let oid: UInt32
  public let name: String
  public let accessMethod: UInt32
  public let family: UInt32
  public let inputType: TypeID
  public let isDefault: Bool

  init(_ row: CatalogRow<CatalogColumns.OperatorClass>) {
    (oid, name, accessMethod) = (row[.oid].oid, row[.opcname].string ?? "", row[.opcmethod].oid)
    (family, inputType, isDefault) = (row[.opcfamily].oid, TypeID(row[.opcintype].oid), row[.opcdefault].bool)
  }
}

/// An aggregate's part in `pg_aggregate`.
public struct AggregateEntry: Sendable {
  public let function: UInt32
  /// `n`ormal, `o`rdered set, `h`ypothetical set.
  public let kind: Character
  public let directArgumentCount: Int
  public let transition: UInt32
  public let final: UInt32
  public let sortOperator: UInt32
  public let transitionType: TypeID
  public let initialValue: String?

  init(_ row: CatalogRow<CatalogColumns.Aggregate>) {
    (function, kind) = (row[.aggfnoid].oid, row[.aggkind].char)
    directArgumentCount = Int(row[.aggnumdirectargs].integer)
    (transition, final) = (row[.aggtransfn].oid, row[.aggfinalfn].oid)
    (sortOperator, transitionType) = (row[.aggsortop].oid, TypeID(row[.aggtranstype].oid))
    initialValue = row[.agginitval].string
  }
}

/// All functions, operators, casts and operator classes of a database, by what they are looked up by. What an
/// overloaded name means is decided above.
public final class FunctionCatalog: Sendable {
  /// A cast's two types.
  public struct CastKey: Hashable, Sendable {
    public let source, target: TypeID

    public init(_ source: TypeID, _ target: TypeID) { (self.source, self.target) = (source, target) }
  }

  /// What the operators of a B-tree mean: a row of `pg_amop`.
  public struct FamilyOperator: Hashable, Sendable {
    public let family: UInt32
    public let left, right: TypeID
    /// In a B-tree: 1 <, 2 <=, 3 =, 4 >=, 5 >.
    public let strategy: Int16
    public let operatorID: UInt32
    public let accessMethod: UInt32
  }

  public let functions: [UInt32: FunctionEntry]
  public let functionsByName: [String: [UInt32]]
  public let operators: [UInt32: OperatorEntry]
  public let operatorsByName: [String: [UInt32]]
  public let casts: [CastKey: CastEntry]
  public let aggregates: [UInt32: AggregateEntry]
  public let operatorClasses: [UInt32: OperatorClassEntry]
  /// By operator.
  public let familyOperators: [UInt32: [FamilyOperator]]
  /// By name and operands' types.
  let operatorsBySignature: [OperatorSignature: OperatorEntry]
  /// By the type that a default B-tree operator class is for.
  let sortOperators: [TypeID: SortOperators]

  init(_ catalog: SessionCatalog) throws(EngineError) {
    let functions =
      try catalog.rows(CatalogColumns.Procedure.self).map { FunctionEntry($0) }
      + FunctionEntry.extensions + OwnFunction.all.map { FunctionEntry($0) }
    self.functions = Dictionary(functions.map { ($0.oid, $0) }, uniquingKeysWith: { $1 })
    functionsByName = Dictionary(grouping: functions, by: \.name).mapValues { $0.map(\.oid).sorted() }
    let operators = try catalog.rows(CatalogColumns.Operator.self).map { OperatorEntry($0) }
    self.operators = Dictionary(operators.map { ($0.oid, $0) }, uniquingKeysWith: { $1 })
    operatorsByName = Dictionary(grouping: operators, by: \.name).mapValues { $0.map(\.oid).sorted() }
    let casts = try catalog.rows(CatalogColumns.Cast.self).map { CastEntry($0) }
    self.casts = Dictionary(casts.map { (CastKey($0.source, $0.target), $0) }, uniquingKeysWith: { $1 })
    let aggregates = try catalog.rows(CatalogColumns.Aggregate.self).map { AggregateEntry($0) }
    self.aggregates = Dictionary(aggregates.map { ($0.function, $0) }, uniquingKeysWith: { $1 })
    let classes = try catalog.rows(CatalogColumns.OperatorClass.self).map { OperatorClassEntry($0) }
    operatorClasses = Dictionary(classes.map { ($0.oid, $0) }, uniquingKeysWith: { $1 })
    let members = try catalog.rows(CatalogColumns.FamilyOperator.self).map { row in
      FamilyOperator(
        family: row[.amopfamily].oid, left: TypeID(row[.amoplefttype].oid), right: TypeID(row[.amoprighttype].oid),
        strategy: Int16(truncatingIfNeeded: row[.amopstrategy].integer), operatorID: row[.amopopr].oid,
        accessMethod: row[.amopmethod].oid)
    }
    familyOperators = Dictionary(grouping: members, by: \.operatorID)
    operatorsBySignature = Dictionary(
      operators.map { (OperatorSignature($0.name, $0.left, $0.right), $0) }, uniquingKeysWith: { first, _ in first })
    sortOperators = SortOperators.all(classes, members)
  }

  /// The default operator class of a type for an access method; nil where there is none.
  public func defaultOperatorClass(of type: TypeID, accessMethod: UInt32 = SystemOID.btree) -> OperatorClassEntry? {
    // Types without a class of their own share that of the type whose values theirs are.
    let input: TypeID = type == .varchar ? .text : type
    let candidates = operatorClasses.values.filter {
      $0.accessMethod == accessMethod && $0.isDefault && $0.inputType == input
    }
    return candidates.min { $0.oid < $1.oid }
  }

  /// The operator of a family's strategy between values of its own type; 0 where there is none.
  public func operatorID(of operatorClass: OperatorClassEntry, strategy: Int16) -> UInt32 {
    for (id, members) in familyOperators {
      for member in members
      where member.family == operatorClass.family && member.strategy == strategy
        && member.left == operatorClass.inputType && member.right == operatorClass.inputType
      {
        return id
      }
    }
    return 0
  }
}

extension SessionCatalog {
  /// All functions and operators. Read once, and again when some have changed.
  public func functions() throws(EngineError) -> FunctionCatalog {
    try shared(FunctionCatalog.self) { () throws(EngineError) in try FunctionCatalog(self) }
  }
}
