import MillraceEngine
import MillraceTypes

/// How far a merge join reads its inputs (PostgreSQL's mergejoinscansel, src/backend/utils/adt/selfuncs.c): not beyond
/// the last value of the other side, and before its first one only to pass over.
extension QueryPlanning {
  func computeMergeParts(_ clause: Restriction, _ key: PathKey) -> MergeSelectivity {
    var parts = MergeSelectivity()
    guard let (left, right) = clause.operands, let leftRange = range(left), let rightRange = range(right) else {
      return parts
    }
    let (first, last) = key.isDescending ? (">", ">=") : ("<", "<=")
    func ends(_ range: (least: TypedExpression, most: TypedExpression)) -> (
      begin: TypedExpression, end: TypedExpression
    ) {
      key.isDescending ? (range.most, range.least) : (range.least, range.most)
    }
    let (leftEnds, rightEnds) = (ends(leftRange), ends(rightRange))
    parts.leftEnd = inequalitySelectivity(last, [left, rightEnds.end], nil)
    parts.rightEnd = inequalitySelectivity(last, [right, leftEnds.end], nil)
    // One of them is read to its end.
    if parts.leftEnd > parts.rightEnd {
      parts.leftEnd = 1
    } else if parts.leftEnd < parts.rightEnd {
      parts.rightEnd = 1
    } else {
      (parts.leftEnd, parts.rightEnd) = (1, 1)
    }
    parts.leftStart = inequalitySelectivity(first, [left, rightEnds.begin], nil)
    parts.rightStart = inequalitySelectivity(first, [right, leftEnds.begin], nil)
    if parts.leftStart < parts.rightStart {
      parts.leftStart = 0
    } else if parts.leftStart > parts.rightStart {
      parts.rightStart = 0
    } else {
      (parts.leftStart, parts.rightStart) = (0, 0)
    }
    addNulls(left, key, &parts.leftStart, &parts.leftEnd)
    addNulls(right, key, &parts.rightStart, &parts.rightEnd)
    if parts.leftStart >= parts.leftEnd || parts.rightStart >= parts.rightEnd { return MergeSelectivity() }
    return parts
  }

  private func addNulls(_ expression: TypedExpression, _ key: PathKey, _ start: inout Double, _ end: inout Double) {
    guard key.isNullsFirst else { return }
    let nulls = examine(expression).nullFraction
    start = clampProbability(start + nulls)
    end = clampProbability(end + nulls)
  }

  /// The least and the greatest value (`get_variable_range`).
  private func range(_ expression: TypedExpression) -> (least: TypedExpression, most: TypedExpression)? {
    guard let facts = examine(expression).facts, let type = TypeDescriptor.builtIn[facts.type],
      let compare = type.compare
    else { return nil }
    let values = [facts.bounds.first, facts.bounds.last].compactMap(\.self) + facts.commonValues
    // Without a histogram the most common values have to be all there are.
    if facts.bounds.isEmpty, facts.commonFrequencies.reduce(0, +) + facts.nullFraction < 0.99999 { return nil }
    guard let least = values.min(by: { compare($0, $1) < 0 }), let most = values.max(by: { compare($0, $1) < 0 })
    else { return nil }
    func constant(_ datum: Datum) -> TypedExpression {
      .constant(
        TypedConstant(ValueType(facts.type), type.isByValue ? .word(datum.word) : .bytes(datum.bytes.array)))
    }
    return (constant(least), constant(most))
  }
}
