import MillraceStorage
import MillraceTypes

/// Rows of a table that a scan has found, columns apart, in memory that their user has: what an executor's scan fills
/// its batches by. Used by one thread.
///
/// Values by reference stay in their pages, which stay pinned until ``clear()``; where rows come from all over the
/// table they are copied instead.
public final class HeapRows {
  /// How many rows fit.
  public let capacity: Int
  /// How many there are.
  public private(set) var count = 0
  private let deformer: TupleDeformer
  private let columns: UnsafeMutablePointer<TupleColumn>
  /// Of the columns that are wanted, those by reference: they point into pages.
  private let references: [Int]
  private let systemColumns: [HeapSystemColumn]
  /// Where the tuples of a page are, while they are taken apart.
  private let scratch: UnsafeMutablePointer<UnsafeRawPointer>
  /// The rows' places, eight bytes apart, as far as they are wanted.
  private let places: UnsafeMutableRawPointer?
  private let pages: UnsafeMutablePointer<PinnedBuffer>
  private var pageCount = 0
  private let arena = Arena(chunkSize: 8192)

  /// How many pages are kept pinned at most.
  static let pagesMax = 8

  /// - Parameters:
  ///   - wanted: the table's columns to take, from 0.
  ///   - columns: one for each column of the table, and more where system columns go. Must stay as long as this.
  public init(
    _ descriptor: TupleDescriptor, wanted: [Int], systemColumns: [HeapSystemColumn] = [],
    into columns: UnsafeMutablePointer<TupleColumn>, capacity: Int
  ) {
    (self.columns, self.capacity, self.systemColumns) = (columns, capacity, systemColumns)
    deformer = descriptor.deformer(for: wanted)
    references = wanted.filter { !descriptor.columns[$0].isByValue && !descriptor.columns[$0].isDropped }
    scratch = .allocate(capacity: capacity)
    places =
      systemColumns.contains { $0.number == HeapSystemColumn.place }
      ? .allocate(byteCount: capacity * 8, alignment: 8) : nil
    pages = .allocate(capacity: Self.pagesMax)
  }

  deinit {
    clear()
    pages.deallocate()
    scratch.deallocate()
    places?.deallocate()
  }

  /// Whether the page of a row must stay pinned as long as the row is used.
  var needsPages: Bool { !references.isEmpty }
  /// Whether anything of a row is wanted beside that it is there.
  var needsTuples: Bool { deformer.stepCount > 0 || !systemColumns.isEmpty }
  /// Whether one more page can be kept.
  var hasRoomForPage: Bool { pageCount < Self.pagesMax }

  /// Forgets the rows, and lets go of their pages.
  public func clear() {
    pages.deinitialize(count: pageCount)
    (count, pageCount) = (0, 0)
    arena.reset()
  }

  /// Keeps a page pinned on which some of the rows are.
  func keep(_ page: consuming PinnedBuffer) {
    precondition(pageCount < Self.pagesMax, "rows of more than \(Self.pagesMax) pages")
    (pages + pageCount).initialize(to: page)
    pageCount += 1
  }

  /// Adds tuples of one page.
  /// - Parameters:
  ///   - tuples: not looked at unless they are needed.
  ///   - numbers: their line pointers' numbers.
  /// - Returns: false where one of them is damaged.
  func append(
    _ tuples: UnsafePointer<HeapTuple>, _ numbers: UnsafePointer<UInt16>, count added: Int, on block: BlockNumber
  ) -> Bool {
    precondition(count + added <= capacity, "\(count + added) rows where \(capacity) fit")
    guard deformer.deform(tuples, count: added, scratch, into: columns, at: count) else { return false }
    if !systemColumns.isEmpty { appendSystemColumns(tuples, numbers, added, block) }
    count += added
    return true
  }

  /// Adds tuples of one page.
  /// - Parameter isKept: whether the page stays where it is as long as the rows are used.
  func append(
    _ tuples: UnsafePointer<HeapTuple>, _ numbers: UnsafePointer<UInt16>, count added: Int, on block: BlockNumber,
    isKept: Bool
  ) -> Bool {
    let first = count
    guard append(tuples, numbers, count: added, on: block) else { return false }
    if isKept { return true }
    for column in references {
      let (values, nulls) = (columns[column].values, columns[column].nulls)
      for row in first..<count where !nulls[row] { values[row] = arena.copy(values[row], isByValue: false) }
    }
    return true
  }

  /// Adds one tuple.
  /// - Parameter isKept: whether its page stays where it is as long as the row is used.
  func append(_ tuple: HeapTuple, at place: TupleIdentifier, isKept: Bool) -> Bool {
    var number = place.number
    return withUnsafePointer(to: tuple) { append($0, &number, count: 1, on: place.block, isKept: isKept) }
  }

  private func appendSystemColumns(
    _ tuples: UnsafePointer<HeapTuple>, _ numbers: UnsafePointer<UInt16>, _ added: Int, _ block: BlockNumber
  ) {
    for system in systemColumns {
      let column = columns[system.target]
      for index in 0..<added {
        let row = count + index
        column.nulls[row] = false
        if system.number == HeapSystemColumn.place, let places {
          let place = places + row * 8
          TupleIdentifier(block, Int(numbers[index])).store(to: place)
          column.values[row] = Datum(ByteView(start: place, count: TupleIdentifier.size))
        } else {
          column.values[row] = Datum(oid: system.value(of: tuples[index]))
        }
      }
    }
  }
}

/// One of the columns that every table has, and where a scan puts it.
public struct HeapSystemColumn: Sendable {
  /// Its number in `pg_attribute`: -1 `ctid`, -2 `xmin`, -3 `cmin`, -4 `xmax`, -5 `cmax`, -6 `tableoid`.
  public var number: Int16
  public var target: Int
  /// The table's OID, which its tuples do not have.
  public var table: UInt32

  static let place: Int16 = -1

  public init(number: Int16, target: Int, table: UInt32) {
    (self.number, self.target, self.table) = (number, target, table)
  }

  /// What a tuple's header says, as it is (`heap_getsysattr`).
  func value(of tuple: HeapTuple) -> UInt32 {
    switch number {
    case -2: tuple.xmin.rawValue
    case -4: tuple.xmax.rawValue
    case -3, -5: tuple.command
    default: table
    }
  }
}
