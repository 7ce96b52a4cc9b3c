import MillraceStorage
import MillraceWAL

/// The part of a tuple's header that records carry: `xl_heap_header`. The rest is known from elsewhere in the record.
struct HeapRecordHeader: Sendable, Equatable {
  var infomask2: Infomask2
  var infomask: Infomask
  var dataOffset: UInt8

  init(_ tuple: HeapTuple) {
    (infomask2, infomask, dataOffset) = (tuple.infomask2, tuple.infomask, UInt8(tuple.dataOffset))
  }

  init(_ fields: inout RecordFields) throws(EngineError) {
    infomask2 = Infomask2(rawValue: try fields.next(UInt16.self))
    infomask = Infomask(rawValue: try fields.next(UInt16.self))
    dataOffset = try fields.next(UInt8.self)
  }

  func append(to builder: WALRecordBuilder, block: Int) {
    builder.appendBlockData(block, infomask2.rawValue)
    builder.appendBlockData(block, infomask.rawValue)
    builder.appendBlockData(block, dataOffset)
  }
}

/// `xl_heap_insert`.
struct HeapInsertRecord: Sendable, Equatable {
  var number: UInt16
  var flags: UInt8 = 0

  init(number: Int) { self.number = UInt16(number) }

  init(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    var fields = RecordFields(bytes)
    number = try fields.next(UInt16.self)
    flags = try fields.next(UInt8.self)
  }

  func append(to builder: WALRecordBuilder) {
    builder.appendData(number)
    builder.appendData(flags)
  }
}

/// `xl_heap_multi_insert`, without the line pointers that follow unless the page is made anew.
struct HeapMultiInsertRecord: Sendable, Equatable {
  var flags: UInt8 = 0
  var count: UInt16

  init(count: Int) { self.count = UInt16(count) }

  init(_ fields: inout RecordFields) throws(EngineError) {
    flags = try fields.next(UInt8.self)
    _ = try fields.next(UInt8.self)
    count = try fields.next(UInt16.self)
  }

  func append(to builder: WALRecordBuilder) {
    builder.appendData(flags)
    builder.appendData(0 as UInt8)
    builder.appendData(count)
  }
}

/// `xl_heap_delete`.
struct HeapDeleteRecord: Sendable, Equatable {
  var xmax: TransactionID
  var number: UInt16
  var infoBits: XmaxInfoBits
  var flags: UInt8 = 0

  init(xmax: TransactionID, number: Int, infoBits: XmaxInfoBits) {
    (self.xmax, self.number, self.infoBits) = (xmax, UInt16(number), infoBits)
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    var fields = RecordFields(bytes)
    xmax = TransactionID(try fields.next(UInt32.self))
    number = try fields.next(UInt16.self)
    infoBits = XmaxInfoBits(rawValue: try fields.next(UInt8.self))
    flags = try fields.next(UInt8.self)
  }

  func append(to builder: WALRecordBuilder) {
    builder.appendData(xmax.rawValue)
    builder.appendData(number)
    builder.appendData(infoBits.rawValue)
    builder.appendData(flags)
  }
}

/// `xl_heap_inplace`, without what tells PostgreSQL's replicas what to forget.
struct HeapInPlaceRecord: Sendable, Equatable {
  var number: UInt16
  var database: UInt32
  var tablespace: UInt32

  init(number: UInt16, database: UInt32, tablespace: UInt32) {
    (self.number, self.database, self.tablespace) = (number, database, tablespace)
  }

  init(_ fields: inout RecordFields) throws(EngineError) {
    number = try fields.next(UInt16.self)
    _ = try fields.next(UInt16.self)
    (database, tablespace) = (try fields.next(UInt32.self), try fields.next(UInt32.self))
  }

  func append(to builder: WALRecordBuilder) {
    builder.appendData(number)
    builder.appendData(UInt16(0))
    builder.appendData(database)
    builder.appendData(tablespace)
    // Whether the files that start PostgreSQL's caches go; and how many invalidations follow.
    builder.appendData(UInt32(0))
    builder.appendData(Int32(0))
  }
}

/// `xl_heap_lock`, and `xl_heap_lock_updated`, which has the same fields.
struct HeapLockRecord: Sendable, Equatable {
  var xmax: TransactionID
  var number: UInt16
  var infoBits: XmaxInfoBits
  var flags: UInt8 = 0

  init(xmax: TransactionID, number: Int, infoBits: XmaxInfoBits) {
    (self.xmax, self.number, self.infoBits) = (xmax, UInt16(number), infoBits)
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    let delete = try HeapDeleteRecord(bytes)
    (xmax, number, infoBits, flags) = (delete.xmax, delete.number, delete.infoBits, delete.flags)
  }

  func append(to builder: WALRecordBuilder) {
    builder.appendData(xmax.rawValue)
    builder.appendData(number)
    builder.appendData(infoBits.rawValue)
    builder.appendData(flags)
  }
}

/// `xl_heap_update`.
struct HeapUpdateRecord: Sendable, Equatable {
  var oldXmax: TransactionID
  var oldNumber: UInt16
  var oldInfoBits: XmaxInfoBits
  var flags: UInt8 = 0
  var newXmax: TransactionID
  var newNumber: UInt16

  init(
    oldXmax: TransactionID, oldNumber: Int, oldInfoBits: XmaxInfoBits, newXmax: TransactionID = .invalid, newNumber: Int
  ) {
    (self.oldXmax, self.oldNumber, self.oldInfoBits) = (oldXmax, UInt16(oldNumber), oldInfoBits)
    (self.newXmax, self.newNumber) = (newXmax, UInt16(newNumber))
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    var fields = RecordFields(bytes)
    oldXmax = TransactionID(try fields.next(UInt32.self))
    oldNumber = try fields.next(UInt16.self)
    oldInfoBits = XmaxInfoBits(rawValue: try fields.next(UInt8.self))
    flags = try fields.next(UInt8.self)
    newXmax = TransactionID(try fields.next(UInt32.self))
    newNumber = try fields.next(UInt16.self)
  }

  func append(to builder: WALRecordBuilder) {
    builder.appendData(oldXmax.rawValue)
    builder.appendData(oldNumber)
    builder.appendData(oldInfoBits.rawValue)
    builder.appendData(flags)
    builder.appendData(newXmax.rawValue)
    builder.appendData(newNumber)
  }
}

/// `xl_heap_prune`, the conflict horizon behind it, and the plan in the data of its block. Of the freezing that
/// PostgreSQL's records can ask for as well, each group of tuples with what becomes of them.
struct HeapPruneRecord: Sendable, Equatable {
  /// What becomes of some tuples: `xlhp_freeze_plan`.
  struct Freeze: Sendable, Equatable {
    let xmax: TransactionID
    let infomask2, infomask: UInt16
    let flags: UInt8
    var numbers: [UInt16] = []
  }

  var plan = PrunePlan()
  var freezes: [Freeze] = []
  var isCleanup: Bool

  init(_ plan: PrunePlan, freezes: [Freeze] = [], isCleanup: Bool) {
    (self.plan, self.freezes, self.isCleanup) = (plan, freezes, isCleanup)
  }

  /// - Parameter blockData: nil where the page comes as an image.
  init(_ bytes: UnsafeRawBufferPointer, blockData: UnsafeRawBufferPointer?) throws(EngineError) {
    var fields = RecordFields(bytes)
    _ = try fields.next(UInt8.self)
    let flags = try fields.next(UInt8.self)
    isCleanup = flags & HeapRecordFlags.pruneCleanupLock != 0
    if flags & HeapRecordFlags.pruneHasConflictHorizon != 0 {
      plan.conflictHorizon = TransactionID(try fields.next(UInt32.self))
    }
    guard let blockData else { return }
    var data = RecordFields(blockData)
    var counts: [UInt16] = []
    if flags & HeapRecordFlags.pruneHasFreezePlans != 0 {
      let count = try data.next(UInt16.self)
      data.align(to: 4)
      for _ in 0..<count { counts.append(try readFreeze(&data)) }
    }
    if flags & HeapRecordFlags.pruneHasRedirections != 0 {
      for _ in 0..<(try data.next(UInt16.self)) {
        plan.redirected.append(
          PrunePlan.Redirect(from: try data.next(UInt16.self), to: try data.next(UInt16.self)))
      }
    }
    if flags & HeapRecordFlags.pruneHasDead != 0 { plan.dead = try Self.numbers(&data) }
    if flags & HeapRecordFlags.pruneHasUnused != 0 { plan.unused = try Self.numbers(&data) }
    for (index, count) in counts.enumerated() {
      for _ in 0..<count { freezes[index].numbers.append(try data.next(UInt16.self)) }
    }
  }

  private mutating func readFreeze(_ data: inout RecordFields) throws(EngineError) -> UInt16 {
    freezes.append(
      Freeze(
        xmax: TransactionID(try data.next(UInt32.self)), infomask2: try data.next(UInt16.self),
        infomask: try data.next(UInt16.self), flags: try data.next(UInt8.self)))
    _ = try data.next(UInt8.self)
    return try data.next(UInt16.self)
  }

  private static func numbers(_ data: inout RecordFields) throws(EngineError) -> [UInt16] {
    var numbers: [UInt16] = []
    for _ in 0..<(try data.next(UInt16.self)) { numbers.append(try data.next(UInt16.self)) }
    return numbers
  }

  /// Writes a plan: main data, and data of a block that is registered already (log_heap_prune_and_freeze).
  func append(to builder: WALRecordBuilder, block: Int) {
    var flags = isCleanup ? HeapRecordFlags.pruneCleanupLock : 0
    if plan.conflictHorizon.isValid { flags |= HeapRecordFlags.pruneHasConflictHorizon }
    if !freezes.isEmpty { flags |= HeapRecordFlags.pruneHasFreezePlans }
    if !plan.redirected.isEmpty { flags |= HeapRecordFlags.pruneHasRedirections }
    if !plan.dead.isEmpty { flags |= HeapRecordFlags.pruneHasDead }
    if !plan.unused.isEmpty { flags |= HeapRecordFlags.pruneHasUnused }
    builder.appendData(0 as UInt8)
    builder.appendData(flags)
    if plan.conflictHorizon.isValid { builder.appendData(plan.conflictHorizon.rawValue) }
    if !freezes.isEmpty {
      builder.appendBlockData(block, UInt16(freezes.count))
      builder.appendBlockData(block, 0 as UInt16)
      for freeze in freezes {
        builder.appendBlockData(block, freeze.xmax.rawValue)
        builder.appendBlockData(block, freeze.infomask2)
        builder.appendBlockData(block, freeze.infomask)
        builder.appendBlockData(block, freeze.flags)
        builder.appendBlockData(block, 0 as UInt8)
        builder.appendBlockData(block, UInt16(freeze.numbers.count))
      }
    }
    if !plan.redirected.isEmpty {
      builder.appendBlockData(block, UInt16(plan.redirected.count))
      for redirect in plan.redirected {
        builder.appendBlockData(block, redirect.from)
        builder.appendBlockData(block, redirect.to)
      }
    }
    for numbers in [plan.dead, plan.unused] where !numbers.isEmpty {
      builder.appendBlockData(block, UInt16(numbers.count))
      numbers.withUnsafeBytes { builder.appendBlockData(block, copying: $0) }
    }
    for freeze in freezes { freeze.numbers.withUnsafeBytes { builder.appendBlockData(block, copying: $0) } }
  }
}
