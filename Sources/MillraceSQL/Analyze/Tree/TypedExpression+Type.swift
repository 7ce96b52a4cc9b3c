import MillraceTypes

extension ValueType {
  public static let bool = ValueType(.bool)
}

extension TypedExpression {
  /// The type of its values: PostgreSQL's `exprType` and `exprTypmod` (src/backend/nodes/nodeFuncs.c).
  public var type: ValueType {
    switch self {
    case .constant(let constant): constant.type
    case .variable(let variable): variable.type
    case .parameter(let parameter): parameter.type
    case .call(let call): call.type
    case .and, .or, .not, .arrayComparison, .nullTest, .booleanTest, .rowComparison: .bool
    case .distinct(let comparison), .nullIf(let comparison): comparison.type
    case .caseWhen(let choice): choice.type
    case .caseOperand(let type), .coalesce(_, let type), .minMax(_, _, let type): type
    case .relabel(_, let type, _), .throughText(_, let type, _): type
    case .array(_, let type), .row(_, let type): type
    case .aggregate(let aggregate): aggregate.type
    case .subquery(let link): link.type
    case .input(let column): column.type
    case .subplan(let reference): reference.type
    }
  }
}
