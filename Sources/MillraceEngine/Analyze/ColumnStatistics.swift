public import MillraceTypes

/// What ANALYZE found out about the values of a column: a row of `pg_statistic` (src/include/catalog/pg_statistic.h).
///
/// Immutable; its values live as long as it does.
public final class ColumnStatistics: @unchecked Sendable {
  // Safe because nothing is changed once it is made; the arena is only kept.

  /// Which part of the rows has no value, from 0 to 1: `stanullfrac`.
  public let nullFraction: Float
  /// Bytes of a value as stored, on average: `stawidth`.
  public let width: Int32
  /// How many different values there are: `stadistinct`. Negative: as a part of the number of rows, which they grow
  /// with; 0: not known. See ``distinctValues(rows:)``.
  public let distinctCount: Float
  /// The most common values, the most common first: `STATISTIC_KIND_MCV`. Empty where none is more common than others.
  public let commonValues: [Datum]
  /// Which part of all rows, nulls included, has each of them.
  public let commonFrequencies: [Float]
  /// The bounds of parts with equally many rows, rising, the least and the greatest value included:
  /// `STATISTIC_KIND_HISTOGRAM`. The most common values and nulls are not counted. Empty, or two at least.
  public let histogramBounds: [Datum]
  /// How far the order of the values is that of the rows' places: from -1 to 1. Nil where the values have no order.
  public let correlation: Float?
  private let arena: Arena

  /// - Parameter findings: their values are copied.
  init(_ findings: ColumnFindings, isByValue: Bool) {
    let arena = Arena(chunkSize: 4096)
    self.arena = arena
    (nullFraction, width, distinctCount) = (findings.nullFraction, findings.width, findings.distinctCount)
    commonValues = findings.commonValues.map { arena.copy($0, isByValue: isByValue) }
    commonFrequencies = findings.commonFrequencies
    histogramBounds = findings.histogramBounds.map { arena.copy($0, isByValue: isByValue) }
    correlation = findings.correlation
  }

  /// How many different values a table with so many rows has; nil where that is not known.
  public func distinctValues(rows: Double) -> Double? {
    if distinctCount == 0 { return nil }
    return distinctCount > 0 ? Double(distinctCount) : max((-Double(distinctCount) * rows).rounded(), 1)
  }

  /// Which part of all rows has one of the most common values.
  public var commonFraction: Float { commonFrequencies.reduce(0, +) }
}

/// What a sample says of a column, before it is kept. Its values belong to the sample or to a row of `pg_statistic`.
struct ColumnFindings {
  var nullFraction: Float = 0
  var width: Int32 = 0
  var distinctCount: Float = 0
  var commonValues: [Datum] = []
  var commonFrequencies: [Float] = []
  var histogramBounds: [Datum] = []
  var correlation: Float?
}
