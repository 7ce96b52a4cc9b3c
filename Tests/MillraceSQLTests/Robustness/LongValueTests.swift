import Foundation
import MillraceEngine
import MillraceTestSupport
import Synchronization
import Testing

@testable import MillraceSQL

/// Functions that take long over one value end when their statement is to end.
@Suite("Long work on one value can be ended") struct LongValueTests {
  /// Each takes seconds, if it is let. The digits that a logarithm has are limited, so it takes many of them.
  static let statements = [
    "select length(factorial(32177)::text)",
    "select sum(length(exp(('3.' || repeat('37', 7000))::numeric + n)::text)) from generate_series(1, 1000) n",
    "select sum(length(ln(('3.' || repeat('37', 7000))::numeric + n)::text)) from generate_series(1, 1000) n",
    "select sum(length(log(('3.' || repeat('37', 7000))::numeric + n, ('7.' || repeat('13', 7000))::numeric)::text))"
      + " from generate_series(1, 1000) n",
    "select sum(length(power(('1.' || repeat('37', 7000))::numeric, ('2.' || repeat('13', 7000))::numeric + n)::text))"
      + " from generate_series(1, 1000) n",
    "select length(power(7::numeric, 150000)::text)"
      + " + length(power(('3.' || repeat('7', 9000))::numeric, 30000)::text)",
    "select length(sqrt(repeat('7', 130000)::numeric)::text) + length(factorial(32177)::text)",
    "select length((repeat('7', 120000)::numeric * repeat('3', 120000)::numeric * 1)::text)"
      + " + length(factorial(32000)::text)",
    "select length((repeat('7', 130000)::numeric / repeat('3', 65000)::numeric)::text)"
      + " + length(factorial(32000)::text)",
    "select sum(gcd(repeat('71', 50000)::numeric + n, repeat('13', 49999)::numeric)) from generate_series(1, 1000) n",
    "select sum(length(repeat('x', 100000000))) from generate_series(1, 1000) n",
    "select count(*) from generate_series(1, 1000000000000) n",
    "select generate_series(1::numeric, 1e30)",
    "select length(regexp_replace(repeat('ab', 3000000), '(a|b)', 'xx', 'g'))",
    "select sum(length(x)) from (select repeat(n::text, 30000) x from generate_series(1, 1000000) n) s",
  ]

  private static let short =
    "select factorial(3), exp(1.5), ln(1.5), log(2.0, 3.0), power(1.5, 2.5), sqrt(2.0), 3.0 * 1.5 / 2.5, gcd(4.0, 6.0),"
    + " sum(length(repeat('x', 3))), regexp_replace('ab', '(a|b)', 'xx', 'g'), count(*)"
    + " from (select generate_series(1::numeric, 3::numeric)) s, generate_series(1, 3)"

  @Test(arguments: LongValueTests.statements) func `statement_timeout ends it`(statement: String) throws {
    let rig = try SQLRig()
    // What the catalog says of them is known already.
    let short = rig.execute(Self.short)
    try #require(short.failure == nil, "\(short.failure ?? [:])")
    _ = rig.execute("set statement_timeout = '60ms'")
    let failure = rig.execute(statement).failure ?? [:]
    #expect(failure["C"] == "57014" && failure["M"] == "canceling statement due to statement timeout", "\(failure)")
    _ = rig.execute("set statement_timeout = 0")
    let still = rig.execute("select factorial(5), 2::numeric ^ 10")
    #expect(still.rows.first?.first == "120")
    try rig.close()
  }

  private final class Flag: Sendable { let value = Atomic(false) }

  @Test func `a request to cancel ends it`() throws {
    let rig = try SQLRig()
    let control = rig.sql.session.control
    let isOver = Flag()
    let thread = try TestThread("cancelling") {
      // What comes before the statement begins is forgotten.
      while !isOver.value.load(ordering: .relaxed) {
        control.cancel()
        sched_yield()
      }
    }
    let failure = rig.execute("select length(factorial(32177)::text)").failure ?? [:]
    isOver.value.store(true, ordering: .relaxed)
    try thread.join()
    #expect(failure["C"] == "57014" && failure["M"] == "canceling statement due to user request", "\(failure)")
    try rig.close()
  }

  @Test func `repeating nothing takes no time`() throws {
    let rig = try SQLRig()
    let answer = rig.execute("select length(repeat('', 2147483647)), length(repeat('x', -5)), length(repeat('ab', 3))")
    #expect(answer.rows == [["0", "0", "6"]])
    try rig.close()
  }
}
