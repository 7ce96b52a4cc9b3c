/// What DISCARD forgets.
extension SessionCatalog {
  /// Forgets what sequences have given the session: `DISCARD SEQUENCES`.
  public func discardSequences() { sequences.removeAll() }

  /// Drops the session's temporary relations: `DISCARD TEMP`.
  public func discardTemporaryRelations() throws(EngineError) { try dropTemporaryRelations() }
}
