public import MillraceTypes

/// A sequence's row in `pg_sequence`: how it goes on.
public struct SequenceDefinition: Sendable, Hashable {
  /// `int2`, `int4` or `int8`.
  public var type = TypeID.int8
  public var start: Int64
  public var increment: Int64
  public var maximum: Int64
  public var minimum: Int64
  /// How many values a session takes at a time.
  public var cache: Int64 = 1
  public var isCycling = false

  /// A sequence with what was said of it, and PostgreSQL's defaults for the rest.
  /// - Throws: ``EngineError`` where it makes no sense, in PostgreSQL's words.
  public init(
    type: TypeID = .int8, start: Int64? = nil, increment: Int64 = 1, minimum: Int64? = nil, maximum: Int64? = nil,
    cache: Int64 = 1, isCycling: Bool = false
  ) throws(EngineError) {
    let bounds: ClosedRange<Int64>
    switch type {
    case .int2: bounds = Int64(Int16.min)...Int64(Int16.max)
    case .int4: bounds = Int64(Int32.min)...Int64(Int32.max)
    case .int8: bounds = Int64.min...Int64.max
    default:
      throw EngineError(
        .invalidParameterValue, "sequence type must be smallint, integer, or bigint")
    }
    guard increment != 0 else { throw EngineError(.invalidParameterValue, "INCREMENT must not be zero") }
    let isRising = increment > 0
    self.type = type
    self.increment = increment
    self.maximum = maximum ?? (isRising ? bounds.upperBound : -1)
    self.minimum = minimum ?? (isRising ? 1 : bounds.lowerBound)
    self.start = start ?? (isRising ? self.minimum : self.maximum)
    (self.cache, self.isCycling) = (cache, isCycling)
    try check(bounds)
  }

  private func check(_ bounds: ClosedRange<Int64>) throws(EngineError) {
    let typeName = type == .int2 ? "smallint" : type == .int4 ? "integer" : "bigint"
    guard bounds.contains(maximum) else {
      throw EngineError(
        .invalidParameterValue, "MAXVALUE (\(maximum)) is out of range for sequence data type \(typeName)")
    }
    guard bounds.contains(minimum) else {
      throw EngineError(
        .invalidParameterValue, "MINVALUE (\(minimum)) is out of range for sequence data type \(typeName)")
    }
    guard minimum < maximum else {
      throw EngineError(
        .invalidParameterValue, "MINVALUE (\(minimum)) must be less than MAXVALUE (\(maximum))")
    }
    guard start >= minimum else {
      throw EngineError(
        .invalidParameterValue, "START value (\(start)) cannot be less than MINVALUE (\(minimum))")
    }
    guard start <= maximum else {
      throw EngineError(
        .invalidParameterValue, "START value (\(start)) cannot be greater than MAXVALUE (\(maximum))")
    }
    guard cache > 0 else { throw EngineError(.invalidParameterValue, "CACHE (\(cache)) must be greater than zero") }
  }

  init(_ row: CatalogRow<CatalogColumns.Sequence>) {
    type = TypeID(row[.seqtypid].oid)
    (start, increment) = (row[.seqstart].integer, row[.seqincrement].integer)
    (maximum, minimum) = (row[.seqmax].integer, row[.seqmin].integer)
    (cache, isCycling) = (row[.seqcache].integer, row[.seqcycle].bool)
  }

  func fill(_ row: inout CatalogRow<CatalogColumns.Sequence>) {
    row[.seqtypid] = .oid(type.rawValue)
    (row[.seqstart], row[.seqincrement]) = (.integer(start), .integer(increment))
    (row[.seqmax], row[.seqmin]) = (.integer(maximum), .integer(minimum))
    (row[.seqcache], row[.seqcycle]) = (.integer(cache), .bool(isCycling))
  }

  /// The values that come after those that a sequence stands at.
  /// - Parameters:
  ///   - values: what it stands at.
  ///   - count: how many are wanted; the first there must be.
  /// - Returns: the first, the last, and how many there are; nil where it has come to its end.
  func next(after values: SequencePage.Values, count: Int64) -> (first: Int64, last: Int64, count: Int64)? {
    var value = values.last
    var found: Int64 = 0
    var first = value
    if !values.isCalled {
      found = 1
    }
    while found < count {
      let (sum, overflow) = value.addingReportingOverflow(increment)
      if overflow || sum > maximum || sum < minimum {
        // What is ahead may end at the bound; only the first value must go on.
        if found > 0 { break }
        guard isCycling else { return nil }
        value = increment > 0 ? minimum : maximum
      } else {
        value = sum
      }
      found += 1
      if found == 1 { first = value }
    }
    return (first, value, found)
  }
}

/// The values that a session has taken from sequences ahead (`SeqTable`).
struct SequenceCache {
  struct Entry {
    /// The value given out last.
    var last: Int64
    /// The last of those that were taken.
    var cached: Int64
    var increment: Int64
    /// The file that they were taken from: another one means that the sequence was made anew.
    var file: UInt32
    /// Whether the session has used it, so that there is a `currval`.
    var isUsed: Bool
  }

  private(set) var entries: [UInt32: Entry] = [:]
  /// The sequence that `lastval` speaks of.
  var lastUsed: UInt32?

  subscript(oid: UInt32) -> Entry? {
    get { entries[oid] }
    set { entries[oid] = newValue }
  }

  mutating func forget(_ oid: UInt32) {
    entries[oid] = nil
    if lastUsed == oid { lastUsed = nil }
  }

  /// `DISCARD SEQUENCES`.
  mutating func removeAll() { self = SequenceCache() }
}
