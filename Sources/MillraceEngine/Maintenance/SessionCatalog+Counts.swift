import MillraceTypes

/// What `pg_class` says of a relation's size.
struct RelationCounts {
  var pages: UInt32
  var rows: Double
  var visible: UInt32 = 0
  var frozen: UInt32 = 0
  /// The oldest numbers in it; nil where they are not known to have changed.
  var oldestXID: TransactionID?
  var oldestMultiXact: UInt32?
}

extension SessionCatalog {
  /// Says how large a relation is (vac_update_relstats, src/backend/commands/vacuum.c): for everybody at once, also
  /// where the transaction is rolled back.
  func storeCounts(of oid: UInt32, _ counts: RelationCounts) throws(EngineError) {
    let next = session.database.transactions.next.short
    try overwrite(CatalogColumns.Class.self, [.oid: .oid(oid)]) { row in
      row[.relpages] = .int(Int32(bitPattern: counts.pages))
      row[.reltuples] = .real(Float(counts.rows))
      row[.relallvisible] = .int(Int32(bitPattern: counts.visible))
      row[.relallfrozen] = .int(Int32(bitPattern: counts.frozen))
      let oldest = TransactionID(row[.relfrozenxid].oid)
      // A number from the future can only be damage, and is replaced.
      if let xid = counts.oldestXID, oldest.isNormal, oldest.precedes(xid) || next.precedes(oldest) {
        row[.relfrozenxid] = .int(xid.rawValue)
      }
      let oldestMulti = row[.relminmxid].oid
      if let multi = counts.oldestMultiXact, oldestMulti != 0, Int32(bitPattern: multi &- oldestMulti) > 0 {
        row[.relminmxid] = .int(multi)
      }
    }
    forgetEverywhere(.relation(oid))
  }

  /// How many values are kept of each column that is analyzed: `attstattarget`.
  func statisticsTargets(
    of relation: RelationDescriptor, _ options: AnalyzeOptions
  ) throws(EngineError) -> [Int: Int] {
    var targets: [Int: Int] = [:]
    for row in try rows(CatalogColumns.Attribute.self, [.attrelid: .oid(relation.oid)]) {
      let column = Int(row[.attnum].integer) - 1
      guard column >= 0, !row[.attisdropped].bool, options.columns?.contains(column) != false,
        row[.attgenerated].byte != ColumnDescriptor.Generated.virtual.rawValue
      else { continue }
      let target = row[.attstattarget].isNull ? options.target : Int(row[.attstattarget].integer)
      if target > 0 { targets[column] = min(target, 10_000) }
    }
    return targets
  }
}
