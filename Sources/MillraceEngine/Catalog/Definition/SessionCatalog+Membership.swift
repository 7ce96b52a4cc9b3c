/// Who is a member of what.
extension SessionCatalog {
  /// The names of all roles that a role is a member of, directly or through others.
  public func roleNames(of member: UInt32) throws(EngineError) -> Set<String> {
    let rows = try rows(CatalogColumns.Membership.self)
    var names: Set<String> = []
    var seen: Set<UInt32> = [member]
    var pending = [member]
    while let next = pending.popLast() {
      for row in rows where row[.member].oid == next && seen.insert(row[.roleid].oid).inserted {
        pending.append(row[.roleid].oid)
        if let name = try roleName(row[.roleid].oid) { names.insert(name) }
      }
    }
    return names
  }
}
