extension SettingsCatalog {
  /// What the planner may use, what it believes things to cost, and how far it looks.
  static let planning: [SettingDefinition] = planMethods + planCosts + planLimits

  /// The ways of getting at rows, joining and sorting them: for trying out what the others would take.
  private static let planMethods: [SettingDefinition] = [
    .bool("enable_bitmapscan", default: true, .session, "Lets the planner use bitmap scans."),
    .bool("enable_hashagg", default: true, .session, "Lets the planner group rows by hashing."),
    .bool("enable_hashjoin", default: true, .session, "Lets the planner use hash joins."),
    .bool("enable_incremental_sort", default: true, .session, "Lets the planner sort what is sorted in part already."),
    .bool("enable_indexonlyscan", default: true, .session, "Lets the planner use scans of an index without its table."),
    .bool("enable_indexscan", default: true, .session, "Lets the planner use index scans."),
    .bool("enable_material", default: true, .session, "Lets the planner keep rows that are read several times."),
    .bool("enable_memoize", default: true, .session, "Lets the planner remember what a parameterized scan has found."),
    .bool("enable_mergejoin", default: true, .session, "Lets the planner use merge joins."),
    .bool("enable_nestloop", default: true, .session, "Lets the planner use nested-loop joins."),
    .bool("enable_seqscan", default: true, .session, "Lets the planner use sequential scans."),
    .bool("enable_sort", default: true, .session, "Lets the planner use sorts."),
    .bool("enable_tidscan", default: true, .session, "Lets the planner use scans of rows by their places."),
  ]

  private static let planCosts: [SettingDefinition] = [
    .real("seq_page_cost", default: 1, in: costs, .session, "Sets the cost of a page that is read in order."),
    .real("random_page_cost", default: 4, in: costs, .session, "Sets the cost of a page that is read out of order."),
    .real("cpu_tuple_cost", default: 0.01, in: costs, .session, "Sets the cost of looking at a row."),
    .real(
      "cpu_index_tuple_cost", default: 0.005, in: costs, .session, "Sets the cost of looking at an entry of an index."),
    .real("cpu_operator_cost", default: 0.0025, in: costs, .session, "Sets the cost of an operator or a function."),
    .integer(
      "effective_cache_size", .blocks, default: 524_288, in: 1...integerMax, .session,
      "Sets how much of the data the planner takes to be in some cache."),
    .real(
      "cursor_tuple_fraction", default: 0.1, in: 0...1, .session,
      "Sets which part of a cursor's rows the planner takes to be fetched."),
  ]

  private static let planLimits: [SettingDefinition] = [
    .integer(
      "default_statistics_target", default: 100, in: 1...10_000, .session,
      "Sets how many values ANALYZE keeps of a column for which nothing else is said."),
    .integer(
      "from_collapse_limit", default: 8, in: 1...integerMax, .session,
      "Sets up to how many tables a subquery in FROM is merged into its query."),
    .integer(
      "join_collapse_limit", default: 8, in: 1...integerMax, .session,
      "Sets up to how many tables the planner chooses the order of explicit joins."),
    .words(
      "plan_cache_mode", default: "auto", ["auto", "force_generic_plan", "force_custom_plan"], .session,
      "Selects whether prepared statements are planned for all values of their parameters or for each."),
    .words(
      "constraint_exclusion", default: "partition", ["partition", "on", "off"],
      synonyms: ["true": "on", "yes": "on", "1": "on", "false": "off", "no": "off", "0": "off"], .session,
      "Selects where tables are left out because of their CHECK constraints."),
    .bool("synchronize_seqscans", default: true, .session, "Lets sequential scans of a large table go on together."),
    .bool("jit", default: false, .session, "Is there for clients that set it and changes nothing."),
    .integer(
      "max_parallel_workers_per_gather", default: 0, in: 0...1024, .session,
      "Is there for clients that set it; every statement runs on one thread."),
  ]

  private static let costs: ClosedRange<Double> = 0...Double.greatestFiniteMagnitude
}
