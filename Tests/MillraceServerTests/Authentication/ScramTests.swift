import Testing

@testable import MillraceServer

@Suite("SCRAM-SHA-256")
struct ScramTests {
  /// The example of RFC 7677, section 3.
  private func example(isDoomed: Bool = false) throws -> ScramExchange {
    let salt = try #require(Base64.decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    let verifier = ScramVerifier(password: "pencil", iterations: 4096, salt: salt)
    return ScramExchange(verifier, isDoomed: isDoomed, serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
  }

  private static let clientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
  private static let clientFinal =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

  @Test("the RFC's example exchange")
  func rfc() throws {
    var exchange = try example()
    #expect(
      try exchange.respond(to: Self.clientFirst)
        == .challenge(
          "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"))
    #expect(
      try exchange.respond(to: Self.clientFinal)
        == .accepted("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="))
  }

  @Test("the right proof does not help a doomed exchange, and a wrong one nobody")
  func refusals() throws {
    var doomed = try example(isDoomed: true)
    _ = try doomed.respond(to: Self.clientFirst)
    #expect(try doomed.respond(to: Self.clientFinal) == .refused)
    var exchange = try example()
    _ = try exchange.respond(to: Self.clientFirst)
    #expect(try exchange.respond(to: Self.clientFinal.replacing("p=dHz", with: "p=eHz")) == .refused)
  }

  @Test(
    "a message that does not follow the protocol ends the exchange",
    arguments: [
      "", "n", "n,,", "n,,r=abc", "n,a=joe,n=,r=abc", "p=tls-server-end-point,,n=,r=abc", "x,,n=,r=abc",
      "n,,n=,r=", "n,,n=,r=a\u{1}", "n,,m=ext,n=,r=abc",
    ])
  func malformedFirst(message: String) throws {
    var exchange = try example()
    #expect(throws: ErrorReport.self) { try exchange.respond(to: message) }
  }

  @Test(
    "the same for the last one",
    arguments: [
      "", "c=biws", "c=eSws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapW",
      "c=biws,r=rOprNGfwEbeRWgbNEkqO,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=AAAA",
    ])
  func malformedFinal(message: String) throws {
    var exchange = try example()
    _ = try exchange.respond(to: Self.clientFirst)
    #expect(throws: ErrorReport.self) { try exchange.respond(to: message) }
  }

  @Test("a verifier is written in PostgreSQL's form and read back")
  func verifierText() throws {
    let verifier = ScramVerifier(password: "secret", iterations: 4096, salt: Array(0..<16))
    let text = verifier.description
    #expect(
      text.wholeMatch(of: #/SCRAM-SHA-256\$4096:[A-Za-z0-9+\/=]{24}\$[A-Za-z0-9+\/=]{44}:[A-Za-z0-9+\/=]{44}/#) != nil)
    #expect(ScramVerifier(text) == verifier)
    for broken in ["", "md5abc", "SCRAM-SHA-256$0:AAAA$A:B", text + "x", text.replacing("4096", with: "x")] {
      #expect(ScramVerifier(broken) == nil, "\(broken)")
    }
  }

  @Test("Base64 of every length is a round trip, and nothing else is read")
  func base64() {
    for length in 0..<64 {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
      #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }
    #expect(Base64.encode(Array("foob".utf8)) == "Zm9vYg==")
    for broken in ["A", "AA", "A===", "AB=A", "AB==CCCC", "A B=", "AC=="] where broken != "AC==" {
      #expect(Base64.decode(broken) == nil, "\(broken)")
    }
    // Bits that no byte has.
    #expect(Base64.decode("AB==") == nil)
  }
}
