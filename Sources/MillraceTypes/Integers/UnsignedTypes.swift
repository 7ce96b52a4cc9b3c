/// The type `xid8`: the number of a transaction, which is never given again.
enum FullTransactionIDType {
  static let functions = UnsignedWord.functions { (text) throws(TypeError) in
    guard let value = UInt64(ASCII.trimmed(text).string) else { throw .invalidInput("xid8", text) }
    return value
  } output: {
    $1.append(contentsOf: String($0).utf8)
  }
}

/// The type `pg_lsn`: a place in the write-ahead log, in two halves of hexadecimal digits.
enum LogPositionType {
  static let functions = UnsignedWord.functions { (text) throws(TypeError) in
    let parts = text.string.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2,
      parts.allSatisfy({ (1...8).contains($0.utf8.count) && $0.allSatisfy(\.isHexDigit) }),
      let high = UInt64(parts[0], radix: 16), let low = UInt64(parts[1], radix: 16)
    else { throw .invalidInput("pg_lsn", text) }
    return high << 32 | low
  } output: {
    let (high, low) = (
      String($0 >> 32, radix: 16, uppercase: true), String($0 & 0xFFFF_FFFF, radix: 16, uppercase: true)
    )
    $1.append(contentsOf: "\(high)/\(low)".utf8)
  }
}

/// What types that are unsigned numbers of 64 bits have in common.
private enum UnsignedWord {
  static func functions(
    input: @escaping @Sendable (ByteView) throws(TypeError) -> UInt64,
    output: @escaping @Sendable (UInt64, inout [UInt8]) -> Void
  ) -> TypeDescriptor.Functions {
    TypeDescriptor.Functions(
      input: { (text, _, _, _) throws(TypeError) in Datum(word: try input(text)) },
      output: { value, _, text in output(value.word, &text) },
      receive: { (message, _, _) throws(TypeError) in Datum(word: try message.integer(UInt64.self)) },
      send: { value, message in message.append(bigEndian: value.word) },
      compare: { $0.word < $1.word ? -1 : $0.word == $1.word ? 0 : 1 }, equal: { $0.word == $1.word },
      hash: Int8Type.hash, hashExtended: { Hashing.word(Hashing.fold($0.int64), seed: $1) })
  }
}
