/// A part of a regular expression.
final class RegularExpressionNode {
  indirect enum Kind {
    case empty
    case set(CharacterSet)
    case constraint(Constraint)
    case sequence([RegularExpressionNode])
    case choice([RegularExpressionNode])
    /// The number of the group, from 1.
    case group(Int, RegularExpressionNode)
    /// At most `max` times, without a limit where that is nil.
    case repetition(RegularExpressionNode, min: Int, max: Int?)
    case backReference(Int)
  }

  /// What takes no characters.
  enum Constraint {
    case textStart, textEnd, lineStart, lineEnd, wordStart, wordEnd, wordBoundary, noWordBoundary
    case lookAround(RegularExpressionNode, isAhead: Bool, isNegated: Bool)
  }

  /// Whether the longest or the shortest match is wanted; nil where the part has no say in it.
  enum Preference { case longest, shortest }

  let kind: Kind
  let preference: Preference?
  /// Whether there are groups or references in it, for which it has to be taken apart.
  let hasGroups: Bool
  /// For finding out where it can end; made when it is needed.
  private(set) lazy var program = RegularExpressionProgram(self)

  /// - Parameter isRange: of a repetition: whether it was written as one from so many to so many times.
  init(_ kind: Kind, isShortest: Bool = false, isRange: Bool = true) {
    self.kind = kind
    switch kind {
    case .empty, .set, .constraint: (preference, hasGroups) = (nil, false)
    case .backReference: (preference, hasGroups) = (nil, true)
    case .sequence(let parts):
      preference = parts.lazy.compactMap(\.preference).first
      hasGroups = parts.contains { $0.hasGroups }
    case .choice(let parts): (preference, hasGroups) = (.longest, parts.contains { $0.hasGroups })
    case .group(_, let inner): (preference, hasGroups) = (inner.preference, true)
    case .repetition(let inner, let min, let max):
      // {m} changes nothing, but {m,m} does.
      preference = min == max && !isRange ? inner.preference : isShortest ? .shortest : .longest
      hasGroups = inner.hasGroups
    }
  }
}
