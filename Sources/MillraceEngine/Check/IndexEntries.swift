import MillraceStorage
import MillraceTypes

/// All entries of an index: where each leads to, and a fingerprint of its key.
struct IndexEntries {
  private struct Entry {
    let place: UInt64
    let fingerprint: UInt64
    var isFound = false
  }

  let index: IndexDescriptor
  private var entries: [Entry] = []
  /// Fingerprints of the keys of visible rows, where each may be there only once.
  private var keys: [UInt64: TupleIdentifier] = [:]

  init(_ index: IndexDescriptor) { self.index = index }

  var count: Int { entries.count }

  mutating func add(_ fingerprint: UInt64, _ place: TupleIdentifier) {
    entries.append(Entry(place: Self.number(place), fingerprint: fingerprint))
  }

  /// After the last one was added.
  mutating func sort() { entries.sort { ($0.place, $0.fingerprint) < ($1.place, $1.fingerprint) } }

  private static func number(_ place: TupleIdentifier) -> UInt64 {
    UInt64(place.block.rawValue) << 16 | UInt64(place.number)
  }

  private static func place(_ number: UInt64) -> TupleIdentifier {
    TupleIdentifier(BlockNumber(UInt32(number >> 16)), Int(number & 0xFFFF))
  }

  /// Notes that a row is there, by its root's place. - Returns: false where the index does not lead to it by that key.
  mutating func find(_ fingerprint: UInt64, _ place: TupleIdentifier) -> Bool {
    let wanted = (Self.number(place), fingerprint)
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if (entries[middle].place, entries[middle].fingerprint) < wanted { low = middle + 1 } else { high = middle }
    }
    guard low < entries.count, (entries[low].place, entries[low].fingerprint) == wanted else { return false }
    return true
  }

  /// Notes the key of a row that is seen. - Returns: another row with the same; nil where there is none.
  mutating func noteKey(_ fingerprint: UInt64, _ place: TupleIdentifier) -> TupleIdentifier? {
    keys.updateValue(place, forKey: fingerprint)
  }

  /// The places in a block that entries lead to, each as often as there are entries.
  func places(in block: BlockNumber) -> [TupleIdentifier] {
    let (first, end) = (UInt64(block.rawValue) << 16, (UInt64(block.rawValue) + 1) << 16)
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].place < first { low = middle + 1 } else { high = middle }
    }
    var found: [TupleIdentifier] = []
    while low < entries.count, entries[low].place < end {
      found.append(Self.place(entries[low].place))
      low += 1
    }
    return found
  }

  /// An entry that leads behind a table of so many pages; nil where none does.
  func placeBehind(_ pages: UInt32) -> TupleIdentifier? {
    entries.last.flatMap { $0.place >> 16 >= UInt64(pages) ? Self.place($0.place) : nil }
  }

  /// What stands for a key: equal ones have the same.
  static func fingerprint(_ values: some Sequence<(datum: Datum?, type: TypeDescriptor)>) -> UInt64 {
    var state: UInt64 = 0xCBF2_9CE4_8422_2325
    for (datum, type) in values {
      state = (state ^ (datum.map { hash($0, type) } ?? 1)) &* 0x9E37_79B9_7F4A_7C15
      state ^= state >> 29
    }
    return state
  }

  private static func hash(_ datum: Datum, _ type: TypeDescriptor) -> UInt64 {
    if let hash = type.hashExtended { return hash(datum, 0x5EED) }
    if let hash = type.hash { return UInt64(hash(datum)) }
    if type.isByValue { return datum.word }
    return datum.bytes.array.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
