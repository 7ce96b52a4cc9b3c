import MillraceStorage

/// `xl_btree_split`.
struct BTreeSplitRecord: Sendable, Equatable {
  var level: UInt32
  var firstRight: UInt16
  var number: UInt16
  var postingOffset: UInt16

  init(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    var fields = RecordFields(bytes)
    level = try fields.next(UInt32.self)
    firstRight = try fields.next(UInt16.self)
    number = try fields.next(UInt16.self)
    postingOffset = try fields.next(UInt16.self)
  }
}

/// Which items of a leaf go, and which posting lists become shorter.
struct BTreeDeletion: Sendable, Equatable {
  struct Update: Sendable, Equatable {
    var number: UInt16
    /// Which of its places go.
    var positions: [UInt16]
  }

  /// Rising.
  var deleted: [UInt16] = []
  var updated: [Update] = []

  var isEmpty: Bool { deleted.isEmpty && updated.isEmpty }

  init() {}

  init(_ bytes: UnsafeRawBufferPointer, deletedCount: UInt16, updatedCount: UInt16) throws(EngineError) {
    var fields = RecordFields(bytes)
    for _ in 0..<deletedCount { deleted.append(try fields.next(UInt16.self)) }
    for _ in 0..<updatedCount { updated.append(Update(number: try fields.next(UInt16.self), positions: [])) }
    for index in updated.indices {
      for _ in 0..<(try fields.next(UInt16.self)) { updated[index].positions.append(try fields.next(UInt16.self)) }
    }
  }
}

/// `xl_btree_vacuum` and `xl_btree_delete`.
struct BTreeDeletionRecord: Sendable, Equatable {
  var horizon = TransactionID.invalid
  var deletedCount: UInt16
  var updatedCount: UInt16
  var isCatalog = false

  init(_ bytes: UnsafeRawBufferPointer, isVacuum: Bool) throws(EngineError) {
    var fields = RecordFields(bytes)
    if !isVacuum { horizon = TransactionID(try fields.next(UInt32.self)) }
    deletedCount = try fields.next(UInt16.self)
    updatedCount = try fields.next(UInt16.self)
    if !isVacuum { isCatalog = try fields.next(UInt8.self) != 0 }
  }
}

/// `xl_btree_mark_page_halfdead`.
struct BTreeHalfDeadRecord: Sendable, Equatable {
  /// The number of the downlink in the parent.
  var parentNumber: UInt16
  var leaf: BlockNumber
  var previous: BlockNumber
  var next: BlockNumber
  /// The top of the subtree that goes with the leaf; invalid where it goes alone.
  var topParent: BlockNumber

  init(parentNumber: Int, leaf: BlockNumber, previous: BlockNumber, next: BlockNumber, topParent: BlockNumber) {
    (self.parentNumber, self.leaf) = (UInt16(parentNumber), leaf)
    (self.previous, self.next, self.topParent) = (previous, next, topParent)
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    var fields = RecordFields(bytes)
    parentNumber = try fields.next(UInt16.self)
    fields.align(to: 4)
    leaf = BlockNumber(try fields.next(UInt32.self))
    previous = BlockNumber(try fields.next(UInt32.self))
    next = BlockNumber(try fields.next(UInt32.self))
    topParent = BlockNumber(try fields.next(UInt32.self))
  }
}

/// `xl_btree_unlink_page`.
struct BTreeUnlinkRecord: Sendable, Equatable {
  var previous: BlockNumber
  var next: BlockNumber
  var level: UInt32
  var safeXID: FullTransactionID
  /// Of the half-dead leaf, where the page that goes is above it.
  var leafPrevious: BlockNumber
  var leafNext: BlockNumber
  var leafTopParent: BlockNumber

  init(previous: BlockNumber, next: BlockNumber, level: UInt32, safeXID: FullTransactionID) {
    (self.previous, self.next, self.level, self.safeXID) = (previous, next, level, safeXID)
    (leafPrevious, leafNext, leafTopParent) = (previous, next, .invalid)
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    var fields = RecordFields(bytes)
    previous = BlockNumber(try fields.next(UInt32.self))
    next = BlockNumber(try fields.next(UInt32.self))
    level = try fields.next(UInt32.self)
    fields.align(to: 8)
    safeXID = FullTransactionID(try fields.next(UInt64.self))
    leafPrevious = BlockNumber(try fields.next(UInt32.self))
    leafNext = BlockNumber(try fields.next(UInt32.self))
    leafTopParent = BlockNumber(try fields.next(UInt32.self))
  }
}
