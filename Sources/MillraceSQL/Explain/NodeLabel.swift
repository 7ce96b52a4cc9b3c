/// What EXPLAIN calls a node: in text, and in the properties of JSON.
struct NodeLabel {
  /// As it begins a line of text.
  var text: String
  /// `Node Type`.
  var type: String
  var strategy: String?
  var joinType: String?
  var command: String?
  var operation: String?

  init(_ plan: Plan) {
    (text, type) = Self.names(plan)
    switch plan.operation {
    case .nestedLoop(let kind, _, _): joinType = Self.word(kind)
    case .hashJoin(let kind, _, _), .mergeJoin(let kind, _, _): joinType = Self.word(kind)
    case .aggregate(let own, _, _) where type == "Aggregate":
      strategy =
        switch own {
        case .plain: "Plain"
        case .sorted: "Sorted"
        case .hashed: "Hashed"
        }
    case .setOperation(let kind, let isAll, _):
      (strategy, command) = ("Hashed", Self.word(kind, isAll: isAll))
    case .modifyTable(let modification): operation = Self.word(modification.kind)
    default: break
    }
    if let joinType, joinType != "Inner" {
      let base = type == "Nested Loop" ? "Nested Loop" : String(type.prefix { $0 != " " })
      text = "\(base) \(joinType) Join"
    }
    if let command { text = "HashSetOp \(command)" }
  }

  private static func names(_ plan: Plan) -> (text: String, type: String) {
    switch plan.operation {
    case .sequentialScan: ("Seq Scan", "Seq Scan")
    case .indexScan(let scan):
      scan.isIndexOnly
        ? (scan.isBackward ? "Index Only Scan Backward" : "Index Only Scan", "Index Only Scan")
        : (scan.isBackward ? "Index Scan Backward" : "Index Scan", "Index Scan")
    case .bitmapHeapScan: ("Bitmap Heap Scan", "Bitmap Heap Scan")
    case .bitmapIndexScan: ("Bitmap Index Scan", "Bitmap Index Scan")
    case .tidScan: ("Tid Scan", "Tid Scan")
    case .functionScan: ("Function Scan", "Function Scan")
    case .subqueryScan: ("Subquery Scan", "Subquery Scan")
    case .commonTableScan: ("CTE Scan", "CTE Scan")
    case .workTableScan: ("WorkTable Scan", "WorkTable Scan")
    case .values: ("Values Scan", "Values Scan")
    case .nestedLoop: ("Nested Loop", "Nested Loop")
    case .hashJoin: ("Hash Join", "Hash Join")
    case .mergeJoin: ("Merge Join", "Merge Join")
    case .modifyTable(let modification): (word(modification.kind), "ModifyTable")
    default: otherNames(plan)
    }
  }

  private static func otherNames(_ plan: Plan) -> (text: String, type: String) {
    switch plan.operation {
    case .result: ("Result", "Result")
    case .bitmapAnd: ("BitmapAnd", "BitmapAnd")
    case .bitmapOr: ("BitmapOr", "BitmapOr")
    case .recursiveUnion: ("Recursive Union", "Recursive Union")
    case .materialize: ("Materialize", "Materialize")
    case .memoize: ("Memoize", "Memoize")
    case .sort: ("Sort", "Sort")
    case .incrementalSort: ("Incremental Sort", "Incremental Sort")
    case .unique: ("Unique", "Unique")
    case .aggregate(.plain, _, _): ("Aggregate", "Aggregate")
    case .aggregate(.hashed, _, _): ("HashAggregate", "Aggregate")
    case .aggregate(.sorted, _, let aggregates):
      aggregates.isEmpty ? ("Group", "Group") : ("GroupAggregate", "Aggregate")
    case .projectSet: ("ProjectSet", "ProjectSet")
    case .limit: ("Limit", "Limit")
    case .append: ("Append", "Append")
    case .setOperation: ("SetOp", "SetOp")
    case .lockRows: ("LockRows", "LockRows")
    default: ("???", "???")
    }
  }

  private static func word(_ kind: JoinKind) -> String {
    switch kind {
    case .inner: "Inner"
    case .left: "Left"
    case .right: "Right"
    case .full: "Full"
    case .semi: "Semi"
    case .anti: "Anti"
    }
  }

  private static func word(_ kind: SetOperation.Operator, isAll: Bool) -> String {
    switch kind {
    case .union: "Union"
    case .intersect: isAll ? "Intersect All" : "Intersect"
    case .except: isAll ? "Except All" : "Except"
    }
  }

  private static func word(_ kind: TableModification.Kind) -> String {
    switch kind {
    case .insert: "Insert"
    case .update: "Update"
    case .delete: "Delete"
    }
  }
}
