import MillraceTestSupport
import MillraceTypes
import Testing

/// What a damaged page, a client's message or a statement can have in the place of a value: whatever it is, it is read
/// as some value or refused, and never ends the process.
@Suite("Whatever stands for a value")
struct ValueFuzzTests {
  private static let texts = [
    "1", "-1.5", "0", "abc", "{1,2,3}", "{{a,b},{c,d}}", "{1,NULL}", "2020-01-01", "12:34:56.789",
    "1 year 2 days 03:04:05", "infinity", "-infinity", "nan", "t", "00000000-0000-0000-0000-000000000001", "\\x0102",
    "1e100", "123456789012345678901234567890.123", "{1.5,2.25}", "0/1", "pg_catalog", "[2:3]={1,2}", "4713-01-01 BC",
    "294276-12-31",
  ]
  private static let words: [UInt64] = [
    0, 1, .max, 1 << 63, 1 << 63 - 1, 0x7FFF_FFFF, 0xFFFF_FFFF_8000_0000, 0xFFFF_FFFF, 0x8000, 211_813_488_000_000_000,
    9_223_371_331_200_000_000, 0x7FF0_0000_0000_0000, 0x7FF8_0000_0000_0001, 0xFFF0_0000_0000_0000,
  ]
  private static let insertions = ["99999999999", "-", ".", "e", ":", " ", "{", "}", "BC", "\"", "\\", "ä"]

  private struct Fuzzer {
    var random: SeededGenerator
    let type: TypeDescriptor
    let arena: Arena
    var settings = TypeSettings()

    init(_ random: SeededGenerator, _ type: TypeDescriptor, _ arena: Arena) {
      (self.random, self.type, self.arena) = (random, type, arena)
      settings.dateTime.style = [.iso, .sql, .german, .postgres][self.random.below(4)]
      settings.dateTime.intervalStyle = [.postgres, .postgresVerbose, .sqlStandard, .iso8601][self.random.below(4)]
    }

    mutating func pick<Element>(_ list: [Element]) -> Element { list[random.below(list.count)] }

    mutating func change(_ bytes: inout [UInt8]) {
      for _ in 0..<random.below(4) where !bytes.isEmpty {
        bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      }
    }

    /// What a tuple may have there.
    mutating func stored() -> Datum {
      if type.isByValue {
        let word = random.below(2) == 0 ? pick(words) : random.next() >> UInt64(random.below(64))
        switch type.length {
        case 1: return Datum(char: UInt8(truncatingIfNeeded: word))
        case 2: return Datum(Int16(truncatingIfNeeded: word))
        case 4:
          return type.id == .oid ? Datum(oid: UInt32(truncatingIfNeeded: word)) : Datum(Int32(truncatingIfNeeded: word))
        default: return Datum(word: word)
        }
      }
      var bytes: [UInt8] = []
      if random.below(3) > 0, let good = try? type.value(of: pick(texts), settings, in: arena) {
        bytes = good.bytes.array
      }
      if bytes.isEmpty || random.below(6) == 0 {
        let count = type.length > 0 ? Int(type.length) : random.below(40)
        bytes = (0..<count).map { _ in pick([0, 1, 255, 128, 2, UInt8(truncatingIfNeeded: random.next())]) }
      }
      change(&bytes)
      if type.length > 0 {
        bytes = Array((bytes + [UInt8](repeating: 0, count: Int(type.length))).prefix(Int(type.length)))
      } else if random.below(4) == 0 {
        bytes = Array(bytes.prefix(random.below(bytes.count + 1)))
      }
      return arena.copy(bytes)
    }

    mutating func useStored() -> [UInt8] {
      let (a, b) = (stored(), stored())
      var bytes: [UInt8] = []
      type.output(a, settings, &bytes)
      bytes.removeAll()
      type.send(a, &bytes)
      _ = (type.compare?(a, b), type.equal?(a, b), type.hash?(a), type.hashExtended?(a, 5))
      return bytes
    }

    mutating func receive(_ sent: [UInt8]) {
      var bytes = sent
      change(&bytes)
      if random.below(4) == 0 {
        bytes = (0..<random.below(64)).map { _ in
          pick([0, 0, 0, 1, 4, 255, 127, 128, UInt8(truncatingIfNeeded: random.next())])
        }
      }
      let typmod = random.below(3) == 0 ? Int32(random.below(3000)) : -1
      bytes.withByteView { view in
        var reader = ByteReader(view)
        guard let value = try? type.receive(&reader, typmod, arena) else { return }
        _ = type.text(of: value, settings)
      }
    }

    mutating func parse() {
      var text = Array(pick(texts).utf8)
      for _ in 0..<random.below(4) where !text.isEmpty {
        let place = random.below(text.count)
        switch random.below(4) {
        case 0: text[place] = UInt8(32 + random.below(96))
        case 1: text.insert(contentsOf: Array(pick(insertions).utf8), at: place)
        case 2: text.remove(at: place)
        default: text += text
        }
      }
      let typmod = random.below(3) == 0 ? Int32(random.below(3000)) : -1
      text.withByteView { view in
        guard let value = try? type.input(view, typmod, settings, arena) else { return }
        _ = type.text(of: value, settings)
      }
      _ = type.typmodOutput?(typmod)
    }
  }

  @Test func `damaged values, messages and texts of every type are values or errors`() {
    let types = TypeDescriptor.all.sorted { $0.id.rawValue < $1.id.rawValue }
    Fuzzing.run("ValueFuzzTests", rounds: 20) { random in
      let arena = Arena()
      for type in types {
        arena.reset()
        var fuzzer = Fuzzer(SeededGenerator(seed: random.next()), type, arena)
        let sent = fuzzer.useStored()
        fuzzer.receive(sent)
        fuzzer.parse()
      }
    }
  }

  @Test func `an array of more elements than a number can say is refused`() {
    // Six dimensions of 2000 each, in a message that has room for none of them.
    var message: [UInt8] = [0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 23]
    for _ in 0..<6 { message += [0, 0, 0x07, 0xD0, 0, 0, 0, 1] }
    message += [UInt8](repeating: 0, count: 8000)
    let arena = Arena()
    let error = #expect(throws: TypeError.self) {
      try message.withByteView { (view) throws(TypeError) in
        var reader = ByteReader(view)
        _ = try TypeDescriptor.builtIn[TypeDescriptor.int4.arrayID]?.receive(&reader, -1, arena)
      }
    }
    #expect(error?.sqlState == .protocolViolation)
  }
}
