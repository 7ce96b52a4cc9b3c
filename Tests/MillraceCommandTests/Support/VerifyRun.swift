import Foundation
import MillraceIO
import MillraceTestSupport
import Testing

/// One run of `millrace verify --json`.
struct VerifyRun {
  /// A damage, as far as it can be compared.
  struct Damage: Hashable {
    let path: String
    let block: Int?
    let problems: [String]
    let expected, found: Int?
  }

  /// A way to read.
  struct Way: Sendable, CustomTestStringConvertible {
    let method: IOMethodKind
    let isDirect: Bool

    var testDescription: String { "\(method), \(isDirect ? "direct" : "buffered")" }
    var arguments: [String] { ["--io-method", method.rawValue] + (isDirect ? ["--io-direct", "data"] : []) }

    static let all = IOMethodKind.real.flatMap { kind in [false, true].map { Way(method: kind, isDirect: $0) } }
  }

  let status: Int32
  let document: [String: Any]
  let damages: Set<Damage>

  init(_ directory: String, _ arguments: [String] = []) throws {
    let outcome = try Millrace.run(["verify", "-D", directory, "--json"] + arguments)
    status = outcome.status
    document = try Millrace.json(outcome)
    let listed = try #require(document["damages"] as? [[String: Any]])
    damages = Set(
      listed.map { damage in
        Damage(
          path: damage["path"] as? String ?? "", block: damage["block"] as? Int,
          problems: damage["problems"] as? [String] ?? [], expected: damage["checksum_expected"] as? Int,
          found: damage["checksum_found"] as? Int)
      })
    #expect(damages.count == listed.count && damages.count == document["damaged"] as? Int)
    #expect(status == (damages.isEmpty ? 0 : 1))
  }

  func number(_ key: String) -> Int? { document[key] as? Int }
}
