import Foundation
import NIOCore
import Testing

@testable import MillraceServer

@Suite("The rules of who is let in")
struct HBATests {
  private func startup(
    _ address: ClientAddress, user: String = "joe", database: String = "shop", encrypted: Bool = false,
    replication: Bool = false
  ) throws -> SessionStartup {
    var packet = ByteBuffer()
    var fields = ["user", user, "database", database]
    if replication { fields += ["replication", "true"] }
    for field in fields { packet.writeString(field + "\0") }
    packet.writeInteger(UInt8(0))
    return SessionStartup(
      parameters: try StartupParameters(ProtocolVersion(3, 0), packet), address: address, isEncrypted: encrypted,
      processID: 1, secret: [])
  }

  private let machine = MachineAddresses(
    interfaces: [
      .init(address: IPAddress(bytes: [10, 1, 2, 3]), mask: [255, 255, 0, 0])
    ], names: { _ in "client.example.com" }, addresses: { _ in [IPAddress(bytes: [192, 168, 7, 7])] })

  private func network(_ text: String) throws -> ClientAddress { .network(try #require(IPAddress(text)), port: 5000) }

  private func method(
    _ rules: String, _ startup: SessionStartup, role: Role? = Role(name: "joe", memberOf: ["staff"])
  ) throws -> HBARule.Method? {
    try HBAFile(rules).rule(for: startup, role: role, machine: machine)?.method
  }

  @Test(
    "addresses: networks in both notations, this machine's, names, all",
    arguments: [
      ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.2.3/32", "10.1.2.4", false),
      ("10.0.0.0 255.0.0.0", "10.9.9.9", true), ("0.0.0.0/0", "8.8.8.8", true), ("::/0", "8.8.8.8", false),
      ("10.0.0.0/8", "::ffff:10.1.1.1", true), ("fe80::/10", "fe80::1", true), ("all", "::1", true),
      ("samehost", "10.1.2.3", true), ("samehost", "10.1.2.4", false), ("samenet", "10.1.9.9", true),
      ("samenet", "10.2.0.1", false), (".example.com", "192.168.7.7", true),
      ("client.example.com", "192.168.7.7", true),
      ("client.example.com", "192.168.7.8", false), ("other.example.com", "192.168.7.7", false),
    ])
  func addresses(rule: String, address: String, matches: Bool) throws {
    let found = try method("host all all \(rule) trust", try startup(try network(address)))
    #expect(found == (matches ? .trust : nil))
  }

  @Test(
    "types of connections",
    arguments: [
      ("local", true, false, true), ("local", false, false, false), ("host", false, false, true),
      ("host", false, true, true), ("host", true, false, false), ("hostssl", false, true, true),
      ("hostssl", false, false, false), ("hostnossl", false, true, false), ("hostnossl", false, false, true),
      ("hostgssenc", false, false, false), ("hostnogssenc", false, false, true),
    ])
  func types(type: String, isLocal: Bool, encrypted: Bool, matches: Bool) throws {
    let address: ClientAddress = isLocal ? .local(userID: 0) : try network("127.0.0.1")
    let rule = type == "local" ? "local all all trust" : "\(type) all all all trust"
    #expect(try method(rule, try startup(address, encrypted: encrypted)) == (matches ? .trust : nil))
  }

  @Test(
    "databases and users: lists, keywords, quotes, groups, regular expressions",
    arguments: [
      ("shop", "joe", true), ("a,shop,b", "joe", true), ("a, shop", "joe", true), ("all", "all", true),
      (#""all""#, "joe", false), ("shop", #""joe""#, true), ("sameuser", "all", false), ("samerole", "all", false),
      ("/^sh", "joe", true), ("/^ho", "joe", false), ("shop", "+staff", true), ("shop", "+other", false),
      ("shop", #""+staff""#, false), ("shop", "/^j.e$", true), ("replication", "all", false),
    ])
  func names(databases: String, users: String, matches: Bool) throws {
    let found = try method("local \(databases) \(users) trust", try startup(.local(userID: nil)))
    #expect(found == (matches ? .trust : nil))
  }

  @Test("replication has a keyword of its own, which all does not include")
  func replication() throws {
    let sender = try startup(.local(userID: nil), replication: true)
    #expect(try method("local all all trust", sender) == nil)
    #expect(try method("local replication joe peer", sender) == .peer)
    #expect(try method("local \"replication\" joe peer", sender) == nil)
  }

  @Test("the first line that fits decides; comments, blank lines and continued lines are read")
  func order() throws {
    let rules = """
      # nobody but joe
      local shop mary reject   # not her

      local shop \\
        joe scram-sha-256
      local all all trust
      """
    #expect(try method(rules, try startup(.local(userID: nil))) == .scramSHA256)
    #expect(try method(rules, try startup(.local(userID: nil), user: "mary")) == .reject)
    #expect(try method(rules, try startup(.local(userID: nil), user: "eve")) == .trust)
  }

  @Test("other files are included, as lines and as words")
  func includes() throws {
    let files = ["names": "joe, mary\n", "more": "local shop @names trust\n"]
    let file = try HBAFile("include more\ninclude_if_exists none\n", read: { files[$0] })
    #expect(file.rules.count == 1)
    #expect(file.rules[0].users.map(\.text) == ["joe", "mary"])
    #expect(throws: HBAError.self) { try HBAFile("include none", read: { files[$0] }) }
    #expect(throws: HBAError.self) { try HBAFile("include a", read: { _ in "include a" }) }
  }

  @Test(
    "a line that makes no sense is refused, with its number",
    arguments: [
      "remote all all trust", "local", "local all", "local all all", "local all all friend",
      "host all all trust", "host all all 10.0.0.0/33 trust", "host all all 10.0.0.0 255.0 trust",
      "host all all 10.0.0.0 trust", "host all all 10.0.0.0/8 peer", "local all all md5",
      "local all all peer map", "local all all trust map=x", "local all /( trust", "host all all a.b/8 trust",
    ])
  func nonsense(line: String) throws {
    do {
      _ = try HBAFile("local all all trust\n\(line)\n")
      Issue.record("\(line) was accepted")
    } catch {
      #expect(error.problems.count == 1)
      #expect(error.problems[0].hasPrefix("line 2 of file \"millrace_hba.conf\": "))
    }
  }

  @Test("peer lets in the user of that name, and whom a map names")
  func peer() throws {
    let own = try #require(UserNames.own)
    let userID = geteuid()
    func begin(_ rules: String, ident: String? = nil, user: String) throws -> [AuthenticationRequest] {
      let startup = try startup(.local(userID: userID), user: user)
      let rule = try HBAFile(rules, ident: ident).rule(for: startup, role: nil, machine: machine)
      return try Authentication(startup, rule: rule, role: nil, mockSecret: [], now: 0).begin()
    }
    #expect(try begin("local all all peer", user: own).count == 1)
    #expect(throws: ErrorReport.self) { try begin("local all all peer", user: own + "x") }
    let ident = "m \(own) joe\nm /^x all\n"
    #expect(try begin("local all all peer map=m", ident: ident, user: "joe").count == 1)
    #expect(throws: ErrorReport.self) { try begin("local all all peer map=m", ident: ident, user: own) }
    #expect(throws: ErrorReport.self) { try begin("local all all peer map=n", ident: ident, user: "joe") }
  }
}
