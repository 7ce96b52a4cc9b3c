/// Aggregates over the same table, by themselves and in groups.
enum AggregateCorpus {
  private static let byType: [(columns: [String], names: [String])] = [
    (
      ["i2", "i4", "i8", "n", "f4", "f8"],
      ["sum", "avg", "min", "max", "stddev", "stddev_pop", "variance", "var_pop", "count"]
    ),
    (["i2", "i4", "i8"], ["bit_and", "bit_or", "bit_xor"]),
    (["t", "v", "c", "d", "tm", "ts", "tz", "iv", "o"], ["min", "max", "count", "any_value"]),
    (["iv"], ["sum", "avg"]),
    (["bo"], ["bool_and", "bool_or", "every", "count"]),
    (["i4", "t", "d"], ["array_agg"]),
  ]

  static let calls: [String] =
    byType.flatMap { entry in entry.columns.flatMap { column in entry.names.map { "\($0)(\(column))" } } }
    + [
      "count(*)", "count(DISTINCT bo)", "sum(DISTINCT i4 % 3)", "string_agg(v, ',')",
      "string_agg(t, '|' ORDER BY k DESC)",
      "string_agg(DISTINCT left(t, 1), '-' ORDER BY left(t, 1))", "array_agg(i2 ORDER BY i2 DESC NULLS LAST)",
      "array_agg(DISTINCT bo)", "array_agg(ARRAY[k, 1])", "count(*) FILTER (WHERE i4 > 0)",
      "sum(i4) FILTER (WHERE bo)", "avg(i8) FILTER (WHERE false)", "corr(i2, i4)", "covar_pop(i2, i4)",
      "covar_samp(i2, i4)", "regr_slope(i2, i4)", "regr_intercept(i2, i4)", "regr_r2(i2, i4)", "regr_count(i2, i4)",
      "regr_avgx(i2, i4)", "regr_avgy(i2, i4)", "regr_sxx(i2, i4)", "regr_sxy(i2, i4)", "regr_syy(i2, i4)",
      "sum(n) FILTER (WHERE k IN (2, 3, 8))", "avg(n) FILTER (WHERE k IN (2, 3, 8))",
      "variance(n) FILTER (WHERE k IN (2, 3, 8))", "stddev(n) FILTER (WHERE k IN (2, 3, 8))",
      "sum(f8) FILTER (WHERE k IN (2, 3, 8))", "avg(iv) FILTER (WHERE k IN (2, 3, 8))",
    ]

  static let sources = [
    "FROM et WHERE k < 4", "FROM et", "FROM et WHERE false",
    "FROM et WHERE k NOT IN (4, 5, 6) GROUP BY k % 3 HAVING k % 3 = 1",
  ]

  static let series = [
    "SELECT * FROM generate_series(1, 5)", "SELECT * FROM generate_series(5, 1, -2)",
    "SELECT * FROM generate_series(2147483645, 2147483647)", "SELECT * FROM generate_series(1, 2, 0)",
    "SELECT * FROM generate_series(1::bigint, 3)", "SELECT * FROM generate_series(1.5, 3.0, 0.5)",
    "SELECT * FROM generate_series(timestamp '2024-01-30', '2024-05-01', '1 month')",
    "SELECT count(*) FROM generate_series(1, 5000)", "SELECT unnest(ARRAY[1, NULL, 3])",
    "SELECT * FROM unnest(ARRAY['a', 'b']) WITH ORDINALITY", "SELECT regexp_split_to_table('a1b2c', '[0-9]')",
    "SELECT regexp_matches('foobarbequebaz', 'b[^b]+', 'g')", "SELECT string_to_table('a,b,,c', ',')",
    "SELECT generate_subscripts('[2:4]={1,2,3}'::int[], 1)", "SELECT * FROM generate_series(1, NULL)",
  ]
}
