import MillraceEngine
import MillraceTypes

/// Which aggregate is computed how.
enum AggregateLibrary {
  static func aggregate(
    _ expression: AggregateExpression, _ compiler: ExpressionCompiler
  ) throws(SQLError) -> Aggregate {
    let entry: FunctionEntry?
    do throws(EngineError) {
      entry = try compiler.context.catalog.functions().functions[expression.function]
    } catch { throw SQLError(error) }
    guard let entry else {
      throw SQLError(
        .internalError, "cache lookup failed for function \(expression.function)", at: expression.location)
    }
    let type = expression.arguments.first?.type.id ?? .none
    guard let aggregate = aggregate(named: entry.name, over: type) else {
      let arguments = entry.arguments.map { TypeDescriptor.builtIn[$0]?.name ?? "\($0.rawValue)" }
      throw .unsupported(
        "aggregate \(entry.name)(\(arguments.joined(separator: ", ")))", at: expression.location)
    }
    return aggregate
  }

  private static func aggregate(named name: String, over type: TypeID) -> Aggregate? {
    switch name {
    case "count": type == .none ? CountAllAggregate() : CountAggregate()
    case "sum": sum(type)
    case "avg": average(type)
    case "min": extreme(type, isMax: false)
    case "max": extreme(type, isMax: true)
    case "any_value": anyValue(type)
    case "stddev", "stddev_samp": statistic(.sampleDeviation, type)
    case "stddev_pop": statistic(.populationDeviation, type)
    case "variance", "var_samp": statistic(.sampleVariance, type)
    case "var_pop": statistic(.populationVariance, type)
    case "bool_and", "every", "bit_and": WordAggregate(.and)
    case "bool_or", "bit_or": WordAggregate(.or)
    case "bit_xor": WordAggregate(.xor)
    case "string_agg": ObjectAggregate(isStrict: false) { ConcatenationAccumulator() }
    case "array_agg": array(type)
    default: regression(name).map { RegressionAggregate($0) }
    }
  }

  private static func sum(_ type: TypeID) -> Aggregate? {
    switch type {
    case .int2, .int4: IntegerSumAggregate(.int8, isNarrow: true)
    case .int8: IntegerSumAggregate(.numeric, isNarrow: false)
    case .float4: FloatSumAggregate(isSingle: true)
    case .float8: FloatSumAggregate(isSingle: false)
    case .numeric: NumericSumAggregate(isAverage: false)
    case .interval: ObjectAggregate(isStrict: true) { IntervalStatistic(isAverage: false) }
    default: nil
    }
  }

  private static func average(_ type: TypeID) -> Aggregate? {
    switch type {
    case .int2, .int4: IntegerSumAggregate(.average, isNarrow: true)
    case .int8: IntegerSumAggregate(.average, isNarrow: false)
    case .numeric: NumericSumAggregate(isAverage: true)
    case .interval: ObjectAggregate(isStrict: true) { IntervalStatistic(isAverage: true) }
    default: statistic(.average, type)
    }
  }

  private static func statistic(_ statistic: Statistic, _ type: TypeID) -> Aggregate? {
    switch type {
    case .float4: FloatStatisticAggregate(statistic, isSingle: true)
    case .float8: FloatStatisticAggregate(statistic, isSingle: false)
    case .numeric: ObjectAggregate(isStrict: true) { NumericStatistic(statistic, isInteger: false) }
    case .int2, .int4, .int8: ObjectAggregate(isStrict: true) { NumericStatistic(statistic, isInteger: true) }
    default: nil
    }
  }

  private static func extreme(_ type: TypeID, isMax: Bool) -> Aggregate? {
    switch type {
    case .float4: return FloatExtremeAggregate(isMax: isMax, isSingle: true)
    case .float8: return FloatExtremeAggregate(isMax: isMax, isSingle: false)
    default: break
    }
    guard let descriptor = TypeDescriptor.builtIn[type], let compare = descriptor.compare else { return nil }
    if descriptor.isByValue { return WordExtremeAggregate(isMax: isMax) }
    return BytesExtremeAggregate(isMax ? .max : .min, compare)
  }

  private static func anyValue(_ type: TypeID) -> Aggregate? {
    guard let descriptor = TypeDescriptor.builtIn[type] else { return nil }
    return descriptor.isByValue ? WordAggregate(.any) : BytesExtremeAggregate(.any) { _, _ in 0 }
  }

  private static func array(_ type: TypeID) -> Aggregate? {
    guard let descriptor = TypeDescriptor.builtIn[type] else { return nil }
    if descriptor.arrayID == .none, let element = TypeDescriptor.builtIn[descriptor.elementID] {
      return ObjectAggregate(isStrict: false) { NestedArrayAccumulator(element) }
    }
    return ObjectAggregate(isStrict: false) { ArrayAccumulator(descriptor) }
  }

  private static func regression(_ name: String) -> RegressionAggregate.Result? {
    switch name {
    case "regr_count": .count
    case "regr_sxx": .sumOfSquaresX
    case "regr_syy": .sumOfSquaresY
    case "regr_sxy": .sumOfProducts
    case "regr_avgx": .averageX
    case "regr_avgy": .averageY
    case "covar_pop": .populationCovariance
    case "covar_samp": .sampleCovariance
    case "corr": .correlation
    case "regr_r2": .squaredCorrelation
    case "regr_slope": .slope
    case "regr_intercept": .intercept
    default: nil
    }
  }
}
