import MillraceEngine
import MillraceTypes

/// A statement with the values of its parameters, on its way from its first row to its last: a portal of the extended
/// protocol, or a cursor (PostgreSQL's utils/mmgr/portalmem.c). Used by the session's thread.
final class Portal {
  let name: String
  let prepared: PreparedStatement
  /// For the parameters' values.
  let arena = Arena(chunkSize: 1024)
  var parameters: TupleSlot
  /// How the client wants the columns: none for text, one for all, or one for each.
  var formats: [ValueFormat] = []
  /// How deep in nested transactions it was made; 0 where it outlives transactions.
  var level: Int
  private(set) var time: Int64

  /// While it runs.
  var execution: QueryExecution?
  /// Whether it has run to its end.
  var isDone = false
  /// Of a statement that changes rows: they have been, and its rows are in ``store``.
  var store: RowStore?

  var processed: UInt64 = 0
  var command = Query.Command.select

  // Of a cursor.
  let isCursor: Bool
  var isHeld = false
  var isScrollable = false
  /// Rows before the one that it stands on, plus one: 0 before the first.
  var position = 0
  /// Rows at its begin that are not in ``store``: they had been fetched before it was kept.
  var skipped = 0
  /// Whether it stands behind the last row.
  var isAfterEnd = false

  init(_ name: String, _ prepared: PreparedStatement, level: Int, isCursor: Bool = false) {
    (self.name, self.prepared, self.level, self.isCursor) = (name, prepared, level, isCursor)
    parameters = TupleSlot(count: prepared.parameterTypes.count)
    time = SQLSession.now()
  }

  /// Takes over the values of parameters, which end with another portal.
  func keep(_ values: TupleSlot) {
    for (index, type) in prepared.parameterTypes.enumerated() {
      let isByValue = TypeDescriptor.builtIn[type]?.isByValue ?? false
      parameters[index] = values[index].map { arena.copy($0, isByValue: isByValue) }
    }
  }

  /// Of the extended protocol, after ``close()``: as if it were new, for other values of the parameters.
  func beginAgain(level: Int) {
    precondition(!isCursor && execution == nil && store == nil, "a portal begins again while it is open")
    arena.reset()
    (self.level, time, isDone) = (level, SQLSession.now(), false)
    (processed, command, position) = (0, .select, 0)
  }

  /// Whether it has something that belongs to its transaction.
  var isOpen: Bool { level > 0 }

  func close() {
    execution?.close()
    (execution, store) = (nil, nil)
    isDone = true
  }
}

extension SQLSession {
  func portal(_ name: String) throws(SQLError) -> Portal {
    if let portal = portals[name] { return portal }
    throw SQLError(.invalidCursorName, "portal \"\(name)\" does not exist")
  }

  func closePortal(_ name: String) {
    portals[name]?.close()
    portals[name] = nil
  }

  /// What belongs to the transaction, or a part of it, ends with it.
  func closePortals(from level: Int = 1) {
    guard !portals.isEmpty else { return }
    portals.removeAll { portal in
      guard portal.level >= level else { return false }
      portal.close()
      return true
    }
  }

  func closeAllPortals() { closePortals(from: 0) }

  /// Cursors that outlive the transaction keep all of their rows (PersistHoldablePortal).
  func holdPortals() throws(SQLError) {
    guard portals.contains(where: { $0.isHeld }) else { return }
    for portal in portals.values where portal.isHeld && portal.level > 0 {
      if let execution = portal.execution {
        let store = portal.store ?? RowStore(portal.prepared.columnTypes)
        // Rows that nobody can go back to are counted all the same.
        if portal.store == nil { portal.skipped = portal.position }
        while let (batch, range) = try execution.next() { store.append(batch, range) }
        execution.close()
        (portal.execution, portal.store) = (nil, store)
      }
      portal.level = 0
    }
  }
}
