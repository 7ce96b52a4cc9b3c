import MillraceEngine
import MillraceSettings
import MillraceTypes

/// DECLARE, FETCH, MOVE and CLOSE (PostgreSQL's commands/portalcmds.c).
extension SQLSession {
  func declareCursor(
    _ statement: DeclareCursorStatement, source: String, _ parameters: StatementParameters?
  ) throws(SQLError) {
    let options = statement.options
    guard !statement.name.isEmpty else {
      throw SQLError(.invalidCursorName, "invalid cursor name: must not be empty")
    }
    if !options.contains(.hold) { try requireTransactionBlock("DECLARE CURSOR", allowsImplicit: true) }
    if options.contains(.binary) { throw .unsupported("DECLARE BINARY CURSOR") }
    guard portals[statement.name] == nil else {
      throw SQLError(.duplicateCursor, "cursor \"\(statement.name)\" already exists")
    }
    let prepared = PreparedStatement(
      name: "", source: source, .select(statement.query), isFromSQL: true, time: statementStart)
    try prepare(prepared, parameterTypes: parameters?.types ?? [], isVariable: false)
    guard let query = prepared.query else { return }
    let isScrollable = options.contains(.scroll)
    let portal = Portal(statement.name, prepared, level: session.nestingLevel, isCursor: true)
    if let parameters { portal.keep(parameters.values) }
    let planned = try plan(
      query, bound: parameters == nil ? nil : portal.parameters,
      tupleFraction: options.contains(.hold) ? 0 : settings[.cursorTupleFraction])
    if !query.rowMarks.isEmpty, options.contains(.hold) {
      throw SQLError(
        .featureNotSupported, "DECLARE CURSOR WITH HOLD ... FOR UPDATE is not supported",
        detail: "Holdable cursors must be READ ONLY.")
    }
    portal.isHeld = options.contains(.hold)
    portal.isScrollable = isScrollable
    let execution = try QueryExecution(planned, self, parameters: portal.parameters)
    execution.suspend()
    portal.execution = execution
    if isScrollable { portal.store = RowStore((prepared.columns ?? []).map(\.type)) }
    portals[statement.name] = portal
  }

  func closeCursor(_ statement: CloseStatement) throws(SQLError) {
    guard let name = statement.cursor else {
      for portal in portals.values where portal.isCursor { closePortal(portal.name) }
      return
    }
    _ = try cursor(name)
    closePortal(name)
  }

  private func cursor(_ name: String) throws(SQLError) -> Portal {
    if let portal = portals[name] { return portal }
    throw SQLError(.invalidCursorName, "cursor \"\(name)\" does not exist")
  }

  /// FETCH and MOVE. - Returns: the tag.
  func run(_ statement: FetchStatement, _ client: any SQLClient) throws(SQLError) -> String {
    let portal = try cursor(statement.cursor)
    guard let columns = portal.prepared.columns else {
      throw SQLError(.objectNotInPrerequisiteState, "portal \"\(portal.name)\" cannot be run")
    }
    if portal.execution == nil, portal.store == nil {
      guard !portal.isDone else { return "\(statement.isMove ? "MOVE" : "FETCH") 0" }
      portal.execution = try QueryExecution(
        try plan(portal.prepared, portal.parameters), self, parameters: portal.parameters)
      portal.execution?.suspend()
    }
    if !statement.isMove { try client.beginRows(columns) }
    let movement = CursorMovement(portal, columns: columns.count, statement.isMove ? nil : client)
    let count: Int
    switch statement.direction {
    case .forward: count = try movement.fetch(statement.count, isForward: true)
    case .backward: count = try movement.fetch(statement.count, isForward: false)
    case .absolute: count = try movement.fetch(absolute: statement.count)
    case .relative: count = try movement.fetch(relative: statement.count)
    }
    return "\(statement.isMove ? "MOVE" : "FETCH") \(count)"
  }
}

/// Moving a cursor over its rows (DoPortalRunFetch, tcop/pquery.c).
///
/// ``Portal/position`` is the number of the row that it stands on, from 1; 0 before the first.
private struct CursorMovement {
  let portal: Portal
  let columns: Int
  /// nil for MOVE.
  let client: (any SQLClient)?

  init(_ portal: Portal, columns: Int, _ client: (any SQLClient)?) {
    (self.portal, self.columns, self.client) = (portal, columns, client)
  }

  /// - Parameter count: negative to go in the other direction; the largest for all.
  func fetch(_ count: Int64, isForward: Bool) throws(SQLError) -> Int {
    if count < 0 { return try fetch(count == .min ? .max : -count, isForward: !isForward) }
    if count == 0 {
      // The row that it stands on, once more.
      guard portal.position > 0, !portal.isAfterEnd else { return 0 }
      guard let client else { return 1 }
      try requireScrollable()
      return try send(portal.position - 1, 1, client)
    }
    return isForward ? try forward(Int(clamping: count)) : try backward(Int(clamping: count))
  }

  func fetch(absolute number: Int64) throws(SQLError) -> Int {
    if number > 0 {
      if number <= Int64(portal.position) {
        try rewind(to: Int(number) - 1)
      } else {
        _ = try skip(Int(clamping: number) - 1 - portal.position)
      }
      return try forward(1)
    }
    if number < 0 {
      _ = try skip(.max)
      let last = portal.position
      let target = last + Int(clamping: number)
      try rewind(to: max(target, 0))
      portal.isAfterEnd = false
      guard target >= 0 else { return 0 }
      return try forward(1)
    }
    try rewind(to: 0)
    return 0
  }

  func fetch(relative number: Int64) throws(SQLError) -> Int {
    if number == 0 { return try fetch(0, isForward: true) }
    if number > 0 {
      if number > 1 { _ = try skip(Int(clamping: number) - 1) }
      return try forward(1)
    }
    if number < -1 { _ = try CursorMovement(portal, columns: columns, nil).backward(Int(clamping: -(number + 1))) }
    return try backward(1)
  }

  private func skip(_ count: Int) throws(SQLError) -> Int {
    count > 0 ? try CursorMovement(portal, columns: columns, nil).forward(count) : 0
  }

  // MARK: Forward

  private func forward(_ wanted: Int) throws(SQLError) -> Int {
    if portal.isAfterEnd { return 0 }
    var count = try forwardInStore(wanted)
    while count < wanted, let execution = portal.execution,
      let (batch, range) = try execution.next(limit: wanted - count)
    {
      if portal.isScrollable { portal.store?.append(batch, range) }
      try client?.rows(batch, range)
      count += range.count
      portal.position += range.count
    }
    if count < wanted { portal.isAfterEnd = true }
    return count
  }

  private func forwardInStore(_ wanted: Int) throws(SQLError) -> Int {
    guard let store = portal.store else { return 0 }
    let available = portal.skipped + store.count - portal.position
    let count = min(wanted, max(available, 0))
    guard count > 0 else { return 0 }
    if let client { _ = try send(portal.position, count, client) }
    portal.position += count
    return count
  }

  // MARK: Backward

  private func requireScrollable() throws(SQLError) {
    guard !portal.isScrollable else { return }
    throw SQLError(
      .objectNotInPrerequisiteState, "cursor can only scan forward",
      hint: "Declare it with SCROLL option to enable backward scan.")
  }

  private func rewind(to position: Int) throws(SQLError) {
    if position < portal.position || portal.isAfterEnd { try requireScrollable() }
    (portal.position, portal.isAfterEnd) = (position, false)
  }

  private func backward(_ wanted: Int) throws(SQLError) -> Int {
    try requireScrollable()
    // Behind the last row, that one is the first on the way back.
    let next = portal.isAfterEnd ? portal.position : portal.position - 1
    let count = min(wanted, max(next, 0))
    if count > 0, let client, let store = portal.store {
      let batch = RowBatch(columns: columns, capacity: min(count, 256))
      var sent = 0
      while sent < count {
        let part = min(batch.capacity, count - sent)
        store.fill(batch, from: next - 1 - sent - portal.skipped, count: part, backwards: true)
        try client.rows(batch, 0..<part)
        sent += part
      }
    }
    portal.isAfterEnd = false
    portal.position = count < wanted ? 0 : next - count + 1
    return count
  }

  /// Sends rows that were kept. - Parameter start: from 0.
  private func send(_ start: Int, _ count: Int, _ client: any SQLClient) throws(SQLError) -> Int {
    guard let store = portal.store else { return 0 }
    let batch = RowBatch(columns: columns, capacity: min(count, 256))
    var sent = 0
    while sent < count {
      let part = min(batch.capacity, count - sent)
      store.fill(batch, from: start + sent - portal.skipped, count: part)
      try client.rows(batch, 0..<part)
      sent += part
    }
    return count
  }
}
