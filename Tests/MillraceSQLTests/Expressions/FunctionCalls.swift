import MillraceEngine
import MillraceTestSupport
import MillraceTypes

@testable import MillraceSQL

/// Calls of every function that the library has for the types that tables can have.
enum FunctionCalls {
  /// Calls of each function; all that are listed below in a long run.
  static var perFunction: Int { PostgresInstallation.environment["MILLRACE_CALLS"].flatMap { Int($0) } ?? 5 }

  /// Functions whose results differ for some of the values below, with the reason.
  private static let departures = [
    "interval": "a number that is no typmod", "bpchar": "a byte that is no character of UTF-8",
    "make_timestamptz": "of several errors another comes first",
    "regexp_instr": "of several errors another comes first",
    "date_add": "a number without a sign as a time zone", "date_subtract": "a number without a sign as a time zone",
    "make_date": "years before Christ in messages", "to_date": "which of the names of an era is missed",
    "to_timestamp": "which of the names of an era is missed",
    "convert_from": "encodings other than UTF-8", "convert_to": "encodings other than UTF-8",
  ]

  private static let edges: [TypeID: [String]] = [
    .bool: ["true", "false"],
    .int2: ["0", "1", "'-1'", "3", "32767", "'-32768'"],
    .int4: ["0", "1", "'-1'", "7", "12", "2147483647", "'-2147483648'"],
    .int8: ["0", "1", "'-1'", "100", "9223372036854775807", "'-9223372036854775808'"],
    .float4: ["0", "'-0'", "1.5", "'-2.25'", "'3e38'", "'1e-40'", "'NaN'", "'Infinity'", "'-Infinity'"],
    .float8: [
      "0", "'-0'", "1.5", "'-2.25'", "0.5", "'1e300'", "'1e-310'", "123456.789", "'NaN'", "'Infinity'", "'-Infinity'",
    ],
    .numeric: [
      "0", "1.5", "'-2.250'", "3", "'12345678901234567890.123456789'", "'-0.00012345'", "'NaN'", "'Infinity'",
      "'-Infinity'", "10.00",
    ],
    .text: ["''", "'abc'", "'Größe 日本'", "'a_b%c'", "'  x '", "'12.5'", "'aXbXc'", "'UTC'", "'year'", "'hex'"],
    .varchar: ["''", "'abc'", "'ABC '"], .bpchar: ["''", "'abc'", "'ab  '"],
    .name: ["''", "'abc'", "'Größe'"], .oid: ["0", "1", "4294967295"], .char: ["'a'", "''", "'\\377'"],
    .bytea: ["''", "'\\x616263'", "'\\x00ff'", "'\\xdeadbeef'"],
    .date: ["'2000-01-01'", "'2024-02-29'", "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'5874897-12-31'"],
    .time: ["'00:00'", "'12:34:56.789'", "'24:00'"],
    .timeTZ: ["'00:00+00'", "'12:34:56.789-05'", "'24:00+13'"],
    .timestamp: [
      "'2000-01-01'", "'2024-02-29 12:34:56.789'", "'infinity'", "'-infinity'", "'0044-03-15 12:00 BC'",
      "'294276-12-31 23:59:59.999999'",
    ],
    .timestampTZ: ["'2000-01-01'", "'2024-02-29 12:34:56.789'", "'infinity'", "'-infinity'", "'1999-12-31 23:00-05'"],
    .interval: [
      "'0'", "'1 year 2 mons 3 days 04:05:06'", "'-1 days +02:03:00'", "'infinity'", "'-infinity'", "'1 mon'",
      "'178000000 years'",
    ],
    .uuid: ["'00000000-0000-0000-0000-000000000000'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
  ]

  /// What depends on more than its arguments, or does something.
  private static func isExcluded(_ function: FunctionEntry) -> Bool {
    if function.volatility == "v" || function.returnsSet || function.kind != "f" { return true }
    let prefixes = ["pg_", "has_", "current_", "to_reg", "inet_", "obj_", "shobj_", "col_", "row_security", "txid_"]
    let names: Set<String> = [
      "now", "transaction_timestamp", "statement_timestamp", "version", "session_user", "getpgusername", "user",
      "age", "getdatabaseencoding", "format_type", "currtid2", "set_config", "xid8", "mxid_age", "hashoid",
    ]
    if departures[function.name] != nil || names.contains(function.name) { return true }
    return prefixes.contains { function.name.hasPrefix($0) }
  }

  /// - Parameter each: calls of each function at most.
  static func all(_ rig: SQLRig, each: Int) throws -> [String] {
    var generator = SeededGenerator(for: "calls of functions")
    let catalog = rig.sql.session.catalog
    let functions = try rig.sql.session.transaction { _ throws(EngineError) in try catalog.functions() }
    var calls: [String] = []
    for function in functions.functions.values.sorted(by: { $0.oid < $1.oid })
    where FunctionLibrary.isImplemented(function) && !isExcluded(function) {
      let values = function.arguments.map { edges[$0] ?? [] }
      guard !values.isEmpty, values.allSatisfy({ !$0.isEmpty }) else { continue }
      var seen: Set<String> = []
      for attempt in 0..<each * 2 where seen.count < each {
        var arguments = zip(function.arguments, values).map { type, values in
          cast(values[generator.below(values.count)], type)
        }
        // The first values in order, so that each comes once; a NULL now and then.
        if attempt < values[0].count { arguments[0] = cast(values[0][attempt], function.arguments[0]) }
        if attempt == each - 1 {
          arguments[arguments.count - 1] = cast("NULL", function.arguments[arguments.count - 1])
        }
        var call = "pg_catalog.\"\(function.name)\"(\(arguments.joined(separator: ", ")))"
        // Only the sign of a comparison means something.
        if function.name.hasSuffix("cmp") { call = "sign(\(call))" }
        if seen.insert(call).inserted { calls.append(call) }
      }
    }
    return calls
  }

  private static func cast(_ value: String, _ type: TypeID) -> String {
    "\(value)::\(TypeDescriptor.builtIn[type].map { "pg_catalog.\"\($0.name)\"" } ?? "text")"
  }
}
