import MillraceEngine
import MillraceTypes

extension FunctionRegistry {
  mutating func addTexts() {
    addTextParts()
    addTextLengths()
    addTextChanges()
    addTextNumbers()
    addPatterns()
    addTextCasts()
  }

  private mutating func addTextParts() {
    scalar("textcat") { call in
      let (left, right) = (call.text(0), call.text(1))
      let target = call.arena.allocate(left.count + right.count)
      target.copyMemory(from: left.buffer)
      UnsafeMutableRawBufferPointer(rebasing: target[left.count...]).copyMemory(from: right.buffer)
      return Datum(UnsafeRawBufferPointer(target))
    }
    scalar("text_left") { call in Datum(TextFunctions.left(call.text(0), call[1].int32)) }
    scalar("text_right") { call in Datum(TextFunctions.right(call.text(0), call[1].int32)) }
    scalar("text_substr") { (call) throws(TypeError) in
      Datum(try TextFunctions.substring(call.text(0), from: call[1].int32, length: call[2].int32))
    }
    scalar("text_substr_no_len") { (call) throws(TypeError) in
      Datum(try TextFunctions.substring(call.text(0), from: call[1].int32))
    }
    scalar("split_part") { (call) throws(TypeError) in
      Datum(try TextFunctions.splitPart(call.text(0), call.text(1), call[2].int32))
    }
    scalar("textpos") { call in Datum(TextFunctions.position(of: call.text(1), in: call.text(0))) }
    scalar("text_starts_with") { call in Datum(call.text(0).hasPrefix(call.text(1))) }
    scalar("btrim") { call in Datum(TextFunctions.trim(call.text(0), call.text(1), leading: true, trailing: true)) }
    scalar("ltrim") { call in Datum(TextFunctions.trim(call.text(0), call.text(1), leading: true, trailing: false)) }
    scalar("rtrim") { call in Datum(TextFunctions.trim(call.text(0), call.text(1), leading: false, trailing: true)) }
    scalar("btrim1") { call in
      Datum(TextFunctions.trim(call.text(0), ByteView(" "), leading: true, trailing: true))
    }
    scalar("ltrim1") { call in
      Datum(TextFunctions.trim(call.text(0), ByteView(" "), leading: true, trailing: false))
    }
    // Also the cast from character(n).
    scalar("rtrim1") { call in
      Datum(TextFunctions.trim(call.text(0), ByteView(" "), leading: false, trailing: true))
    }
    scalar("text_larger") { call in call.text(0).compare(call.text(1)) > 0 ? call[0] : call[1] }
    scalar("text_smaller") { call in call.text(0).compare(call.text(1)) < 0 ? call[0] : call[1] }
    scalar("bpchar_larger") { call in BpcharType.compare(call[0], call[1]) >= 0 ? call[0] : call[1] }
    scalar("bpchar_smaller") { call in BpcharType.compare(call[0], call[1]) <= 0 ? call[0] : call[1] }
    scalar("bttextcmp") { call in Datum(Int32(call.text(0).compare(call.text(1)).signum())) }
  }

  private mutating func addTextLengths() {
    scalar("textlen") { call in Datum(Int32(UTF8Encoding.characterCount(call.text(0)))) }
    scalar("bpcharlen") { call in Datum(Int32(UTF8Encoding.characterCount(BpcharType.significant(call[0])))) }
    session("textoctetlen", "byteaoctetlen", takesToasted: true) { (call) throws(SQLError) in
      Datum(Int32(try call.rawLength(0)))
    }
    scalar("bpcharoctetlen") { call in Datum(Int32(call.text(0).count)) }
    session("bit_length(text)", "bit_length(bytea)", takesToasted: true) { (call) throws(SQLError) in
      Datum(Int32(try call.rawLength(0) * 8))
    }
    scalar("ascii") { call in Datum(TextFunctions.ascii(call.text(0))) }
  }

  private mutating func addTextChanges() {
    scalar("upper") { (call) throws(TypeError) in try call.make { TextFunctions.upper(call.text(0), to: &$0) } }
    scalar("lower", "casefold") { (call) throws(TypeError) in
      try call.make { TextFunctions.lower(call.text(0), to: &$0) }
    }
    scalar("initcap") { (call) throws(TypeError) in
      try call.make { TextFunctions.capitalized(call.text(0), to: &$0) }
    }
    scalar("text_reverse") { (call) throws(TypeError) in
      try call.make { TextFunctions.reversed(call.text(0), to: &$0) }
    }
    scalar("replace_text") { (call) throws(TypeError) in
      try call.make { TextFunctions.replace(call.text(0), call.text(1), with: call.text(2), to: &$0) }
    }
    scalar("translate") { (call) throws(TypeError) in
      try call.make { TextFunctions.translate(call.text(0), call.text(1), call.text(2), to: &$0) }
    }
    scalar("repeat") { (call) throws(TypeError) in
      try call.make { (text) throws(TypeError) in
        try TextFunctions.repeated(call.text(0), call[1].int32, to: &text)
      }
    }
    scalar("lpad", "lpad(text,int4)") { (call) throws(TypeError) in try call.pad(left: true) }
    scalar("rpad", "rpad(text,int4)") { (call) throws(TypeError) in try call.pad(left: false) }
    scalar("textoverlay", "textoverlay_no_len") { (call) throws(TypeError) in
      let length =
        call.count > 3 ? call[3].int32 : Int32(UTF8Encoding.characterCount(call.text(1)))
      return try call.make { (text) throws(TypeError) in
        try TextFunctions.overlay(call.text(0), call.text(1), from: call[2].int32, length: length, to: &text)
      }
    }
    scalar("chr") { (call) throws(TypeError) in
      try call.make { (text) throws(TypeError) in try TextFunctions.character(call[0].int32, to: &text) }
    }
    scalar("quote_ident") { (call) throws(TypeError) in
      try call.make { Quoting.identifier(call.text(0), to: &$0) }
    }
    scalar("quote_literal") { (call) throws(TypeError) in try call.make { Quoting.literal(call.text(0), to: &$0) } }
    scalar("quote_nullable") { (call) throws(TypeError) in
      guard call.optional(0) != nil else { return Datum(ByteView("NULL")) }
      return try call.make { Quoting.literal(call.text(0), to: &$0) }
    }
  }

  private mutating func addTextNumbers() {
    scalar("to_hex32") { (call) throws(TypeError) in
      try call.make { TextFunctions.digits(call[0].int32, radix: 16, to: &$0) }
    }
    scalar("to_hex64") { (call) throws(TypeError) in
      try call.make { TextFunctions.digits(call[0].int64, radix: 16, to: &$0) }
    }
    scalar("to_oct32") { (call) throws(TypeError) in
      try call.make { TextFunctions.digits(call[0].int32, radix: 8, to: &$0) }
    }
    scalar("to_oct64") { (call) throws(TypeError) in
      try call.make { TextFunctions.digits(call[0].int64, radix: 8, to: &$0) }
    }
    scalar("to_bin32") { (call) throws(TypeError) in
      try call.make { TextFunctions.digits(call[0].int32, radix: 2, to: &$0) }
    }
    scalar("to_bin64") { (call) throws(TypeError) in
      try call.make { TextFunctions.digits(call[0].int64, radix: 2, to: &$0) }
    }
  }

  private mutating func addPatterns() {
    scalar("textlike", "bytealike") { (call) throws(TypeError) in
      Datum(try LikePattern.matches(call.text(0), call.text(1)))
    }
    scalar("textnlike", "byteanlike") { (call) throws(TypeError) in
      Datum(try !LikePattern.matches(call.text(0), call.text(1)))
    }
    scalar("texticlike") { (call) throws(TypeError) in
      Datum(try LikePattern.matches(call.text(0), call.text(1), ignoresCase: true))
    }
    scalar("texticnlike") { (call) throws(TypeError) in
      Datum(try !LikePattern.matches(call.text(0), call.text(1), ignoresCase: true))
    }
    scalar("namelike") { (call) throws(TypeError) in
      Datum(try LikePattern.matches(NameType.text(call[0]), call.text(1)))
    }
    scalar("namenlike") { (call) throws(TypeError) in
      Datum(try !LikePattern.matches(NameType.text(call[0]), call.text(1)))
    }
    scalar("nameiclike") { (call) throws(TypeError) in
      Datum(try LikePattern.matches(NameType.text(call[0]), call.text(1), ignoresCase: true))
    }
    scalar("nameicnlike") { (call) throws(TypeError) in
      Datum(try !LikePattern.matches(NameType.text(call[0]), call.text(1), ignoresCase: true))
    }
    scalar("like_escape", "like_escape_bytea") { (call) throws(TypeError) in
      try call.make { (text) throws(TypeError) in
        try LikePattern.escaped(call.text(0), escape: call.text(1), to: &text)
      }
    }
  }

  private mutating func addTextCasts() {
    scalar("varchar") { (call) throws(TypeError) in
      Datum(
        try VarcharType.coerce(call.text(0), typmod: call[1].int32, isExplicit: call[2].bool))
    }
    scalar("bpchar") { (call) throws(TypeError) in
      try BpcharType.coerce(call.text(0), typmod: call[1].int32, isExplicit: call[2].bool, in: call.arena)
    }
    scalar("name_text", "name_bpchar") { call in call.arena.copy(NameType.text(call[0])) }
    scalar("text_name") { call in NameType.make(call.text(0), in: call.arena) }
    scalar("bpchar_name") { call in NameType.make(BpcharType.significant(call[0]), in: call.arena) }
    scalar("text_char") { call in Datum(char: call.text(0).first ?? 0) }
    scalar("char_text", "char_bpchar") { call in
      let byte = call[0].char
      return call.arena.make { (text: inout [UInt8]) in
        if byte & 0x80 != 0 {
          text.append("\\")
          for shift: UInt8 in [6, 3, 0] { text.append(UInt8(ascii: "0") + (byte >> shift & 7)) }
        } else if byte != 0 {
          text.append(byte)
        }
      }
    }
    scalar("booltext") { call in Datum(call[0].bool ? ByteView("true") : ByteView("false")) }
    scalar("nameconcatoid") { call in
      let suffix = Array("_\(call[1].oid)".utf8)
      let name = NameType.text(call[0])
      let kept = name.upTo(UTF8Encoding.clippedLength(name, bytes: NameType.length - 1 - suffix.count))
      return (kept.array + suffix).withByteView { NameType.make($0, in: call.arena) }
    }
  }
}

extension CallFrame {
  fileprivate func pad(left: Bool) throws(TypeError) -> Datum {
    let filling = count > 2 ? text(2) : ByteView(" ")
    return try make { (result) throws(TypeError) in
      try TextFunctions.pad(text(0), to: self[1].int32, with: filling, left: left, to: &result)
    }
  }

  /// The length of a value in bytes, found out without fetching it.
  func rawLength(_ index: Int) throws(SQLError) -> Int {
    do throws(EngineError) { return try context.session.rawLength(of: self[index]) } catch { throw SQLError(error) }
  }
}
