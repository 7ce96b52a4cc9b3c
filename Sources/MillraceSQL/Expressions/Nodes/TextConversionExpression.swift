import MillraceTypes

/// A cast by the text of the value: one type's output function, then the other's input function.
final class CompiledTextConversion: ComputingExpression {
  private let operand: CompiledExpression
  private let source: ValueText
  private let target: ValueText
  private let isSourceText: Bool
  private var text: [UInt8] = []

  init(_ operand: CompiledExpression, _ type: ValueType, _ context: ExecutionContext) throws(SQLError) {
    self.operand = operand
    source = try ValueText(operand.type, context)
    target = try ValueText(type, context)
    isSourceText = [.text, .varchar, .unknown, .cstring].contains(operand.type.id)
    super.init(type)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let input = try operand.evaluate(batch, rows, arena)
    let result = self.result(for: batch)
    for place in 0..<rows.count {
      let row = rows[place]
      if input.nulls[row] { continue }
      if isSourceText {
        result.values[row] = try target.value(of: input.values[row].bytes, arena)
        continue
      }
      text.removeAll(keepingCapacity: true)
      try source.append(input.values[row], to: &text)
      result.values[row] = try target.value(of: arena.copy(text).bytes, arena)
    }
    return ColumnVector(result.values, input.nulls)
  }
}
