public import MillraceSettings

extension VacuumOptions {
  /// What the settings and a table's own options say.
  /// - Parameters:
  ///   - options: `reloptions`.
  ///   - isAutomatic: whether it runs in the background: some settings have a twin for that.
  public init(_ settings: Settings, options: [String: String] = [:], isAutomatic: Bool = false) {
    self.init()
    let own = TableOptions(options)
    freezeMinAge = UInt32(settings[.vacuumFreezeMinAge])
    freezeTableAge = UInt32(settings[.vacuumFreezeTableAge])
    multiXactFreezeMinAge = UInt32(settings[.vacuumMultixactFreezeMinAge])
    multiXactFreezeTableAge = UInt32(settings[.vacuumMultixactFreezeTableAge])
    if isAutomatic {
      if let age = own.integer("autovacuum_freeze_min_age") { freezeMinAge = UInt32(age) }
      if let age = own.integer("autovacuum_freeze_table_age") { freezeTableAge = UInt32(age) }
    }
    // In kilobytes, and pages have eight.
    ringBuffers = settings[.vacuumBufferUsageLimit] / 8
    memory = settings[.maintenanceWorkMem] << 10
    costPageHit = settings[.vacuumCostPageHit]
    costPageMiss = settings[.vacuumCostPageMiss]
    costPageDirty = settings[.vacuumCostPageDirty]
    var delay = settings[.vacuumCostDelay]
    costLimit = settings[.vacuumCostLimit]
    truncates = own.bool("vacuum_truncate") ?? settings[.vacuumTruncate]
    if own.text("vacuum_index_cleanup") == "off" { cleansIndexes = false }
    if isAutomatic {
      if settings[.autovacuumWorkMem] >= 0 { memory = settings[.autovacuumWorkMem] << 10 }
      let (ownDelay, ownLimit) = (own.real("autovacuum_vacuum_cost_delay"), own.integer("autovacuum_vacuum_cost_limit"))
      let (automaticDelay, automaticLimit) = (
        ownDelay ?? settings[.autovacuumVacuumCostDelay], ownLimit ?? settings[.autovacuumVacuumCostLimit]
      )
      if automaticDelay >= 0 { delay = automaticDelay }
      if automaticLimit > 0 { costLimit = automaticLimit }
    }
    costDelay = Int(delay * 1000)
  }
}

/// A table's `reloptions`, as values.
struct TableOptions {
  private let texts: [String: String]

  init(_ texts: [String: String]) { self.texts = texts }

  func text(_ name: String) -> String? { texts[name]?.lowercased() }
  func integer(_ name: String) -> Int? { texts[name].flatMap { Int($0) } }
  func real(_ name: String) -> Double? { texts[name].flatMap { Double($0) } }

  func bool(_ name: String) -> Bool? {
    text(name).map { ["on", "true", "yes", "1"].contains($0) }
  }
}
