import MillraceTestSupport
import MillraceTypes
import Testing

extension DifferentialTests {
  @Test("sums, averages, variances and deviations")
  func aggregates() throws {
    var random = SeededGenerator(for: "aggregates")
    var sets: [[String]] = [
      [], ["1"], ["1", "1"], ["NaN", "1"], ["Infinity", "1"], ["Infinity", "-Infinity"], ["-Infinity", "2", "3"],
      ["0.1", "0.2", "0.3"],
      ["1e20", "-1e20", "0.001"], ["-1"], ["-9999.9999", "-0.0001"], ["1e300", "-1e300", "1"], ["1e-200", "1"],
      ["9999", "1"], ["-9999", "-1", "10000"],
    ]
    for _ in 0..<60 {
      sets.append(
        (0..<random.below(20)).map { _ in
          let digits = (0...random.below(12)).map { _ in "\(random.below(10))" }.joined()
          return (random.below(2) == 0 ? "-" : "") + digits + (random.below(2) == 0 ? ".\(random.below(100_000))" : "")
        })
    }
    let arena = Arena()
    var questions: [Referee.Question] = []
    for values in sets {
      let list = "unnest(ARRAY[\(values.map(quoted).joined(separator: ", "))]"
      var exact = NumericAccumulator(keepsSquares: true)
      var halves = [NumericAccumulator(keepsSquares: true), NumericAccumulator(keepsSquares: true)]
      for (index, value) in values.enumerated() {
        let datum = try TypeDescriptor.numeric.value(of: value, in: arena)
        exact.add(datum)
        halves[index % 2].add(NumericType.value(datum))
      }
      halves[0].combine(halves[1])
      for state in [exact, halves[0]] {
        func ask(_ function: String, _ ours: () throws(TypeError) -> Numeric?) {
          questions.append(
            Referee.Question(
              sql: "\(function)(x) FROM \(list)::numeric[]) x",
              ours: Answer.of { () throws(TypeError) in try ours()?.text }))
        }
        ask("sum") { state.total }
        ask("avg") { () throws(TypeError) in try state.average() }
        ask("var_samp") { () throws(TypeError) in try state.variance(ofSample: true) }
        ask("var_pop") { () throws(TypeError) in try state.variance(ofSample: false) }
        ask("stddev_samp") { () throws(TypeError) in try state.standardDeviation(ofSample: true) }
        ask("stddev_pop") { () throws(TypeError) in try state.standardDeviation(ofSample: false) }
      }
      func askFloat(_ function: String, _ ours: (FloatAccumulator) -> Double?) {
        questions.append(
          Referee.Question(
            sql: "\(function)(x) FROM \(list)::float8[]) x",
            ours: Answer.of { () throws(TypeError) in
              var state = FloatAccumulator()
              for value in values { try state.add(Double(value) ?? .nan) }
              return ours(state).map { TypeDescriptor.float8.text(of: Datum($0)) }
            }))
      }
      askFloat("avg") { $0.average }
      askFloat("var_samp") { $0.variance(ofSample: true) }
      askFloat("var_pop") { $0.variance(ofSample: false) }
      askFloat("stddev") { $0.standardDeviation(ofSample: true) }
    }
    try Referee.compare(questions)
  }
}
