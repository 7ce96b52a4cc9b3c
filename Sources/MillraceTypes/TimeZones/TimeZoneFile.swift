#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The system's time zone database: files in the format TZif (RFC 8536) below `/usr/share/zoneinfo`.
enum TimeZoneFile {
  static let directory = "/usr/share/zoneinfo"

  /// Finds a zone's file whatever the case of its name, and reads it.
  static func zone(named name: String) -> TimeZone? {
    guard !name.isEmpty, name.utf8.count <= 255, !name.hasPrefix("/"), !name.hasSuffix("/") else { return nil }
    var path = directory
    var canonical: [String] = []
    for part in name.split(separator: "/", omittingEmptySubsequences: false) {
      guard !part.isEmpty, !part.hasPrefix("."), let entry = entry(of: path, named: String(part)) else { return nil }
      path += "/" + entry
      canonical.append(entry)
    }
    guard let bytes = contents(path) else { return nil }
    return bytes.withByteView { parse($0, name: canonical.joined(separator: "/")) }
  }

  private static func entry(of directory: String, named name: String) -> String? {
    if access(directory + "/" + name, F_OK) == 0 { return name }
    let wanted = name.lowercased()
    guard let stream = opendir(directory) else { return nil }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let found = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) {
          String(cString: $0)
        }
      }
      if found.lowercased() == wanted { return found }
    }
    return nil
  }

  private static func contents(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    // A directory, or something that is no time zone, is told by its length or its beginning.
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count) }
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { return nil }
      if got == 0 { break }
      count += got
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  private struct Header {
    let utcIndicators: Int
    let standardIndicators: Int
    let leapSeconds: Int
    let times: Int
    let types: Int
    let characters: Int

    init?(_ bytes: ByteView) {
      guard bytes.count >= 44, bytes.hasPrefix(ByteView("TZif")) else { return nil }
      func number(_ at: Int) -> Int { Int(UInt32(bigEndian: bytes.load(at: at))) }
      (utcIndicators, standardIndicators, leapSeconds) = (number(20), number(24), number(28))
      (times, types, characters) = (number(32), number(36), number(40))
    }

    func bodyBytes(timeSize: Int) -> Int {
      times * (timeSize + 1) + types * 6 + characters + leapSeconds * (timeSize + 4) + standardIndicators
        + utcIndicators
    }
  }

  /// The second body, whose times have 64 bits, and the rule after it.
  static func parse(_ bytes: ByteView, name: String) -> TimeZone? {
    guard let first = Header(bytes), bytes[4] >= UInt8(ascii: "2") else { return nil }
    let secondStart = 44 + first.bodyBytes(timeSize: 4)
    guard secondStart < bytes.count, let header = Header(bytes.from(secondStart)) else { return nil }
    let body = bytes.from(secondStart + 44)
    let length = header.bodyBytes(timeSize: 8)
    guard length <= body.count, header.types > 0, header.leapSeconds == 0 else { return nil }
    let typesStart = header.times * 9
    let names = body[typesStart + header.types * 6..<typesStart + header.types * 6 + header.characters]
    var periods: [TimeZoneRule.Period] = []
    for index in 0..<header.types {
      let at = typesStart + index * 6
      let nameStart = Int(body[at + 5])
      guard nameStart < names.count else { return nil }
      let rest = names.from(nameStart)
      periods.append(
        TimeZoneRule.Period(
          abbreviation: rest.upTo(rest.firstIndex(of: 0) ?? rest.count).string,
          offset: Int(Int32(bigEndian: body.load(at: at))), isDST: body[at + 4] != 0))
    }
    var transitions: [TimeZone.Transition] = []
    for index in 0..<header.times {
      let period = Int(body[header.times * 8 + index])
      guard period < periods.count else { return nil }
      transitions.append(
        TimeZone.Transition(at: Int64(bigEndian: body.load(at: index * 8)), period: periods[period]))
    }
    let footer = ASCII.trimmed(body.from(length)).string
    return TimeZone(name: name, first: periods[0], transitions: transitions, rule: TimeZoneRule(footer))
  }
}
