import MillraceTestSupport

/// Statements that are nearly right: corpus statements with some of their tokens or bytes changed.
struct Mutation {
  private var random: SeededGenerator
  private let statements: [String]
  private let vocabulary: [String]

  init(_ random: SeededGenerator, of statements: [String]) {
    self.random = random
    self.statements = statements
    vocabulary = Array(Set(statements.flatMap(Self.tokens))).sorted()
  }

  /// Words, numbers, runs of white space, and other characters each by itself.
  static func tokens(_ sql: String) -> [String] {
    var tokens: [String] = []
    for character in sql {
      let isWord = character.isLetter || character.isNumber || character == "_"
      if let last = tokens.last?.last, isWord, last.isLetter || last.isNumber || last == "_" {
        tokens[tokens.count - 1].append(character)
      } else {
        tokens.append(String(character))
      }
    }
    return tokens
  }

  /// One to three changes of tokens.
  mutating func nextStatement() -> String {
    var tokens = Self.tokens(statements[random.below(statements.count)])
    for _ in 0...random.below(3) where !tokens.isEmpty {
      let place = random.below(tokens.count)
      let word = vocabulary[random.below(vocabulary.count)]
      switch random.below(6) {
      case 0: tokens.remove(at: place)
      case 1: tokens.insert(tokens[place], at: place)
      case 2: tokens.swapAt(place, random.below(tokens.count))
      case 3: tokens[place] = word
      case 4: tokens.insert(contentsOf: [" ", word, " "], at: place)
      default: tokens = Array(tokens[..<place])
      }
    }
    return tokens.joined()
  }

  /// The same, with bytes changed that no token needs to survive.
  mutating func nextBytes() -> String {
    var bytes = Array(nextStatement().utf8)
    for _ in 0...random.below(4) where !bytes.isEmpty {
      let place = random.below(bytes.count)
      switch random.below(4) {
      case 0: bytes[place] = UInt8(random.below(255) + 1)
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(Array(#"'"$\;()[]{}:.,-*/+=<>@eEuU&xX0"#.utf8)[random.below(30)], at: place)
      default: bytes += bytes[place...].prefix(40)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
