/// What of the settings the planner goes by (PostgreSQL's src/backend/optimizer/path/costsize.c).
public struct PlannerSettings: Hashable, Sendable {
  public var seqPageCost = 1.0
  public var randomPageCost = 4.0
  public var cpuTupleCost = 0.01
  public var cpuIndexTupleCost = 0.005
  public var cpuOperatorCost = 0.0025
  /// In pages.
  public var effectiveCacheSize = 524288.0
  /// In kilobytes.
  public var workMem = 4096.0
  public var hashMemMultiplier = 2.0
  public var cursorTupleFraction = 0.1
  public var fromCollapseLimit = 8
  public var joinCollapseLimit = 8

  public var enableSequentialScan = true
  public var enableIndexScan = true
  public var enableIndexOnlyScan = true
  public var enableBitmapScan = true
  public var enableTidScan = true
  public var enableSort = true
  public var enableIncrementalSort = true
  public var enableHashAggregation = true
  public var enableMaterial = true
  public var enableMemoize = true
  public var enableNestedLoop = true
  public var enableMergeJoin = true
  public var enableHashJoin = true

  public init() {}

  /// As the session's settings say; those that it does not know keep their defaults.
  public init(_ environment: any SessionEnvironment) {
    func number(_ name: String, _ value: inout Double) {
      if let found = environment.setting(name).flatMap(Double.init) { value = found }
    }
    func integer(_ name: String, _ value: inout Int) {
      if let found = environment.setting(name).flatMap(Int.init) { value = found }
    }
    func flag(_ name: String, _ value: inout Bool) {
      if let found = environment.setting(name) { value = found == "on" }
    }
    number("seq_page_cost", &seqPageCost)
    number("random_page_cost", &randomPageCost)
    number("cpu_tuple_cost", &cpuTupleCost)
    number("cpu_index_tuple_cost", &cpuIndexTupleCost)
    number("cpu_operator_cost", &cpuOperatorCost)
    number("hash_mem_multiplier", &hashMemMultiplier)
    number("cursor_tuple_fraction", &cursorTupleFraction)
    integer("from_collapse_limit", &fromCollapseLimit)
    integer("join_collapse_limit", &joinCollapseLimit)
    if let kilobytes = environment.setting("work_mem").flatMap(Self.kilobytes) { workMem = kilobytes }
    if let kilobytes = environment.setting("effective_cache_size").flatMap(Self.kilobytes) {
      effectiveCacheSize = kilobytes / 8
    }
    flag("enable_seqscan", &enableSequentialScan)
    flag("enable_indexscan", &enableIndexScan)
    flag("enable_indexonlyscan", &enableIndexOnlyScan)
    flag("enable_bitmapscan", &enableBitmapScan)
    flag("enable_tidscan", &enableTidScan)
    flag("enable_sort", &enableSort)
    flag("enable_incremental_sort", &enableIncrementalSort)
    flag("enable_hashagg", &enableHashAggregation)
    flag("enable_material", &enableMaterial)
    flag("enable_memoize", &enableMemoize)
    flag("enable_nestloop", &enableNestedLoop)
    flag("enable_mergejoin", &enableMergeJoin)
    flag("enable_hashjoin", &enableHashJoin)
  }

  /// How a size is shown: a number and its unit.
  static func kilobytes(_ text: String) -> Double? {
    let digits = text.prefix { $0.isNumber }
    guard let number = Double(digits) else { return nil }
    switch text.dropFirst(digits.count) {
    case "B": return number / 1024
    case "kB": return number
    case "MB": return number * 1024
    case "GB": return number * 1024 * 1024
    case "TB": return number * 1024 * 1024 * 1024
    default: return nil
    }
  }

  /// How much memory a hash table may take, in bytes (`get_hash_memory_limit`).
  var hashMemory: Double { workMem * 1024 * hashMemMultiplier }
}
