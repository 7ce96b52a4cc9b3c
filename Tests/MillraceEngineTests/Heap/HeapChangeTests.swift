@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceWAL
import Testing

/// Random changes to a few pages, each repeated from its record on a copy.
@Suite struct HeapChangeTests {
  @Test("what redo makes of the old page is what the change made of it, byte for byte", arguments: 1...10)
  func redoEqualsChange(seed: UInt64) throws {
    var heap = HeapModel(seed: seed)
    for _ in 0..<150 { try heap.step() }
    #expect(heap.kinds.count >= 8, "\(heap.kinds)")
  }

  @Test("a record cut off anywhere, or with any byte changed, is refused or leaves a page that can be read")
  func damagedRecords() throws {
    var random = SeededGenerator(for: "damagedRecords")
    let source = MemoryPage(block: 7)
    let rows = RowMemory()
    let builder = WALRecordBuilder()
    let change = HeapChange(
      builder: builder, locator: RelationLocator(tablespace: 1663, database: 5, relNumber: 16384), xid: TransactionID(9)
    )
    for id in 0..<20 {
      let row = try rows.row(Int32(id), 5, random.bytes(random.below(60)))
      row.prepareForInsert(by: TransactionID(8), command: 0)
      _ = change.insert(row, on: source.page)
    }
    let new = try rows.row(3, 5, random.bytes(40))
    new.prepareForInsert(by: TransactionID(9), command: 0)
    let before = MemoryPage(copying: source)
    let tuple = try #require(source.page.tuple(4))
    let old = HeapChange.Replacement(
      number: 4, page: source.page, tuple: tuple, command: 0, isCombo: false,
      bits: RowLockBits(TransactionID(9), .noKeyUpdate, isUpdate: true))
    #expect(change.update(old, with: new, on: source.page, isHot: true) == 21)
    let intact = HeapModel.bytes(of: builder)
    var refused = 0
    for position in 24..<intact.count {
      var damaged = intact
      damaged[position] ^= UInt8(1 << random.below(8))
      let page = MemoryPage(copying: before)
      do {
        let record = try HeapModel.decode(damaged, fixingChecksum: true)
        for block in record.blocks { try HeapRedo.apply(record, block: block.id, on: page.page) }
      } catch {
        refused += 1
      }
      let header = page.page.editor.view.header
      #expect(header.isSane)
    }
    #expect(refused > 10)
  }
}

/// Three pages of a heap that change at random, as transactions would change them.
struct HeapModel {
  private var random: SeededGenerator
  private var pages = (0..<3).map { MemoryPage(block: UInt32($0) + 100_000) }
  private let rows = RowMemory()
  private let builder = WALRecordBuilder()
  private var xid = TransactionID(1000)
  private(set) var kinds: Set<UInt8> = []

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  private var change: HeapChange {
    HeapChange(
      builder: builder, locator: RelationLocator(tablespace: 1663, database: 5, relNumber: 16384), xid: xid)
  }

  private mutating func row() throws -> HeapTuple {
    let text = random.below(5) == 0 ? nil : random.bytes(random.below(random.below(20) == 0 ? 2000 : 130))
    let tuple = try rows.row(
      random.below(9) == 0 ? nil : Int32(random.below(100)), Int64(random.below(3)), text)
    tuple.prepareForInsert(by: xid, command: UInt32(random.below(3)))
    return tuple
  }

  private mutating func number(on page: HeapPage) -> Int? {
    let candidates = (1..<page.editor.itemCount + 1).filter { number in
      page.tuple(number).map { $0.infomask.contains(.xmaxInvalid) } ?? false
    }
    return candidates.isEmpty ? nil : candidates[random.below(candidates.count)]
  }

  /// One change, and the same by its record.
  mutating func step() throws {
    let before = pages.map { MemoryPage(copying: $0) }
    guard try perform() else { return }
    xid = xid.next
    let record = try Self.decode(Self.bytes(of: builder))
    kinds.insert(record.resourceManager.rawValue << 4 | (record.info & HeapRecordInfo.operationMask) >> 4)
    for block in record.blocks {
      let index = Int(block.block.rawValue) - 100_000
      if block.willInitialize {
        // Whatever was there.
        before[index].page.editor.base.initializeMemory(as: UInt8.self, repeating: 0xAB, count: 8192)
      }
      try HeapRedo.apply(record, block: block.id, on: before[index].page)
    }
    for (page, redone) in zip(pages, before) {
      let difference = zip(page.masked, redone.masked).enumerated().first { $0.element.0 != $0.element.1 }
      #expect(
        difference == nil, "seed \(random.seed), xid \(xid), record \(record.info), byte \(difference?.offset ?? 0)")
      #expect(page.page.editor.view.header.isSane)
    }
  }

  /// - Returns: whether something was done.
  private mutating func perform() throws -> Bool {
    let page = pages[random.below(pages.count)].page
    switch random.below(14) {
    case 0..<3: return change.insert(try row(), on: page) != nil
    case 3: return try multiInsert(on: page)
    case 4:
      guard let number = number(on: page), let tuple = page.tuple(number) else { return false }
      let bits = bits(isUpdate: true)
      change.delete(number, on: page, tuple, bits, command: UInt32(random.below(2)), isCombo: random.below(2) == 0)
      return true
    case 10:
      guard let number = number(on: page), let tuple = page.tuple(number) else { return false }
      let isSuccessor = random.below(3) == 0
      change.lock(number, on: page, tuple, bits(isUpdate: false), isSuccessor: isSuccessor, clearsFrozen: false)
      return true
    case 11:
      guard let number = number(on: page), let tuple = page.tuple(number) else { return false }
      change.retract(number, on: page, tuple)
      return true
    case 5..<8:
      guard let number = number(on: page), let tuple = page.tuple(number) else { return false }
      let target = random.below(3) == 0 ? pages[random.below(pages.count)].page : page
      let old = HeapChange.Replacement(
        number: number, page: page, tuple: tuple, command: 0, isCombo: false,
        bits: RowLockBits(TransactionID(9), .noKeyUpdate, isUpdate: true))
      let isHot = target.block == page.block && random.below(4) > 0
      return change.update(old, with: try row(), on: target, isHot: isHot) != nil
    default: return prune(page)
    }
  }

  /// What a tuple says of a transaction alone, or of several.
  private mutating func bits(isUpdate: Bool) -> RowLockBits {
    let mode = TupleLockMode.allCases[isUpdate ? 2 + random.below(2) : random.below(4)]
    guard random.below(3) == 0 else { return RowLockBits(xid, mode, isUpdate: isUpdate) }
    let own = MultiXactMember(xid: xid, status: isUpdate ? mode.updateStatus : mode.lockStatus)
    return RowLockBits(
      multi: UInt32(random.below(1000) + 1), [MultiXactMember(xid: TransactionID(7), status: .forKeyShare), own])
  }

  private mutating func multiInsert(on page: HeapPage) throws -> Bool {
    // Each row in memory of its own, as long as they are used.
    let memories = (0..<random.below(20) + 1).map { _ in RowMemory() }
    var tuples: [HeapTuple] = []
    for memory in memories {
      let tuple = try memory.row(Int32(random.below(9)), nil, random.bytes(random.below(300)))
      tuple.prepareForInsert(by: xid, command: 0)
      tuples.append(tuple)
    }
    return withExtendedLifetime(memories) { change.multiInsert(tuples, on: page, isLast: random.below(2) == 0) > 0 }
  }

  private mutating func prune(_ page: HeapPage) -> Bool {
    // Some transactions have aborted, those of late may still be needed.
    let horizon = xid.rawValue - 10
    let plan = HeapPagePruner(page, hasIndexes: random.below(2) == 0) { tuple in
      let xmax = tuple.xmax
      if tuple.xmin.rawValue % 11 == 0 { return .dead }
      if tuple.infomask.contains(.xmaxInvalid) || xmax.rawValue % 11 == 0 { return .live }
      return xmax.rawValue < horizon ? .dead : .recentlyDead
    }.plan
    guard !plan.isEmpty else { return false }
    #expect(page.objection(to: plan, isCleanup: true) == nil)
    change.prune(plan, on: page, info: HeapRecordInfo.pruneOnAccess)
    return true
  }

  static func bytes(of builder: WALRecordBuilder) -> [UInt8] {
    builder.assemble(redoPosition: .invalid, fullPageWrites: false)
    builder.finish(previous: LogSequenceNumber(0x100_0028))
    return builder.ranges.flatMap { [UInt8]($0) }
  }

  static func decode(_ bytes: [UInt8], fixingChecksum: Bool = false) throws -> WALRecord {
    var bytes = bytes
    if fixingChecksum {
      var crc = CRC32C()
      bytes[24...].withUnsafeBytes { crc.update($0) }
      bytes[..<20].withUnsafeBytes { crc.update($0) }
      withUnsafeBytes(of: crc.value) { bytes.replaceSubrange(20..<24, with: $0) }
    }
    return try bytes.withUnsafeBytes { try WALRecord(decoding: $0, at: LogSequenceNumber(0x100_0100)) }
  }
}
