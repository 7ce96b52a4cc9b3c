import MillraceTypes

extension FunctionRegistry {
  mutating func addBytes() {
    addByteParts()
    addByteAccess()
    addByteConversions()
  }

  private mutating func addByteParts() {
    scalar("byteacat") { call in
      call.arena.make { (bytes: inout [UInt8]) in
        bytes.append(call.text(0))
        bytes.append(call.text(1))
      }
    }
    scalar("bytea_substr") { (call) throws(TypeError) in
      Datum(try TextFunctions.substring(bytes: call.text(0), from: call[1].int32, length: call[2].int32))
    }
    scalar("bytea_substr_no_len") { (call) throws(TypeError) in
      Datum(try TextFunctions.substring(bytes: call.text(0), from: call[1].int32))
    }
    scalar("byteapos") { call in Datum(Int32((call.text(0).firstIndex(of: call.text(1)) ?? -1) + 1)) }
    scalar("byteatrim") { call in
      Datum(TextFunctions.trim(bytes: call.text(0), call.text(1), leading: true, trailing: true))
    }
    scalar("bytealtrim") { call in
      Datum(TextFunctions.trim(bytes: call.text(0), call.text(1), leading: true, trailing: false))
    }
    scalar("byteartrim") { call in
      Datum(TextFunctions.trim(bytes: call.text(0), call.text(1), leading: false, trailing: true))
    }
    scalar("bytea_reverse") { call in call.arena.copy(call.text(0).array.reversed()) }
    scalar("byteacmp", "uuid_cmp") { call in Datum(Int32(call.text(0).compare(call.text(1)).signum())) }
    scalar("bytea_larger") { call in call.text(0).compare(call.text(1)) > 0 ? call[0] : call[1] }
    scalar("bytea_smaller") { call in call.text(0).compare(call.text(1)) < 0 ? call[0] : call[1] }
  }

  private mutating func addByteAccess() {
    scalar("byteaGetByte") { (call) throws(TypeError) in
      let bytes = call.text(0)
      return Datum(Int32(bytes[try Self.index(Int64(call[1].int32), of: bytes.count)]))
    }
    scalar("byteaGetBit") { (call) throws(TypeError) in
      let bytes = call.text(0)
      let bit = try Self.index(call[1].int64, of: bytes.count * 8)
      return Datum(Int32(bytes[bit / 8] >> UInt8(bit % 8) & 1))
    }
    scalar("byteaSetByte") { (call) throws(TypeError) in
      var bytes = call.text(0).array
      bytes[try Self.index(Int64(call[1].int32), of: bytes.count)] = UInt8(truncatingIfNeeded: call[2].int32)
      return call.arena.copy(bytes)
    }
    scalar("byteaSetBit") { (call) throws(TypeError) in
      var bytes = call.text(0).array
      let bit = try Self.index(call[1].int64, of: bytes.count * 8)
      guard 0...1 ~= call[2].int32 else { throw TypeError(.invalidParameterValue, "new bit must be 0 or 1") }
      bytes[bit / 8] &= ~(1 << UInt8(bit % 8))
      bytes[bit / 8] |= UInt8(call[2].int32) << UInt8(bit % 8)
      return call.arena.copy(bytes)
    }
    scalar("bytea_bit_count") { call in
      Datum(call.text(0).reduce(Int64(0)) { $0 + Int64($1.nonzeroBitCount) })
    }
  }

  private static func index(_ index: Int64, of count: Int) throws(TypeError) -> Int {
    guard index >= 0, index < Int64(count) else {
      throw TypeError(.arraySubscriptError, "index \(index) out of valid range, 0..\(count - 1)")
    }
    return Int(index)
  }

  private mutating func addByteConversions() {
    scalar("binary_encode") { (call) throws(TypeError) in
      let encoding = try BinaryEncoding(named: call.text(1))
      return try call.make { encoding.encode(call.text(0), to: &$0) }
    }
    scalar("binary_decode") { (call) throws(TypeError) in
      let encoding = try BinaryEncoding(named: call.text(1))
      return try call.make { (bytes) throws(TypeError) in try encoding.decode(call.text(0), to: &bytes) }
    }
    scalar("md5_text", "md5_bytea") { (call) throws(TypeError) in
      try call.make { TextFunctions.md5(call.text(0), to: &$0) }
    }
    scalar("sha224_bytea") { (call) throws(TypeError) in try call.make { SHA2.sha224(call.text(0), to: &$0) } }
    scalar("sha256_bytea") { (call) throws(TypeError) in try call.make { SHA2.sha256(call.text(0), to: &$0) } }
    scalar("sha384_bytea") { (call) throws(TypeError) in try call.make { SHA2.sha384(call.text(0), to: &$0) } }
    scalar("sha512_bytea") { (call) throws(TypeError) in try call.make { SHA2.sha512(call.text(0), to: &$0) } }
    scalar("int2_bytea") { call in call.arena.make { (bytes: inout [UInt8]) in bytes.append(bigEndian: call[0].int16) }
    }
    scalar("int4_bytea") { call in call.arena.make { (bytes: inout [UInt8]) in bytes.append(bigEndian: call[0].int32) }
    }
    scalar("int8_bytea") { call in call.arena.make { (bytes: inout [UInt8]) in bytes.append(bigEndian: call[0].int64) }
    }
    scalar("bytea_int2") { (call) throws(TypeError) in
      Datum(Int16(truncatingIfNeeded: try Self.integer(call.text(0), bytes: 2, "smallint")))
    }
    scalar("bytea_int4") { (call) throws(TypeError) in
      Datum(Int32(truncatingIfNeeded: try Self.integer(call.text(0), bytes: 4, "integer")))
    }
    scalar("bytea_int8") { (call) throws(TypeError) in
      Datum(Int64(bitPattern: try Self.integer(call.text(0), bytes: 8, "bigint")))
    }
    scalar("pg_convert_to") { (call) throws(TypeError) in
      try Self.requireUTF8(NameType.text(call[1]), "destination")
      return call[0]
    }
    scalar("pg_convert_from") { (call) throws(TypeError) in
      try Self.requireUTF8(NameType.text(call[1]), "source")
      try UTF8Encoding.validate(call.text(0))
      return call[0]
    }
  }

  private static func integer(_ bytes: ByteView, bytes count: Int, _ type: StaticString) throws(TypeError) -> UInt64 {
    if bytes.count > count { throw TypeError.outOfRange(type) }
    return bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Names that PostgreSQL knows encodings by, without what separates words.
  private static let encodings: Set<String> = [
    "sqlascii", "eucjp", "euccn", "euckr", "euctw", "eucjis2004", "muleinternal", "latin1", "latin2", "latin3",
    "latin4", "latin5", "latin6", "latin7", "latin8", "latin9", "latin10", "iso88591", "iso88592", "iso88595",
    "iso88596", "iso88597", "iso88598", "iso88599", "iso885915", "win1250", "win1251", "win1252", "win1253", "win1254",
    "win1255", "win1256", "win1257", "win1258", "win866", "win874", "koi8", "koi8r", "koi8u", "sjis", "shiftjis",
    "big5", "gbk", "uhc", "gb18030", "johab", "shiftjis2004", "abc", "alt", "tcvn", "win",
  ]

  private static func requireUTF8(_ name: ByteView, _ role: String) throws(TypeError) {
    let letters = name.string.lowercased().filter { $0.isLetter || $0.isNumber }
    guard letters == "utf8" || letters == "unicode" else {
      guard encodings.contains(letters) else {
        throw TypeError(.invalidParameterValue, "invalid \(role) encoding name \"\(name.string)\"")
      }
      throw TypeError(.featureNotSupported, "conversion with encoding \"\(name.string)\" is not supported")
    }
  }
}
