/// What the input functions of dates and times have in common.
enum DateTimeInput {
  /// Decodes a text, and says what is wrong with it in the type's name.
  static func decode(
    _ text: ByteView, type: StaticString, _ settings: DateTimeSettings
  ) throws(TypeError) -> (outcome: DateTimeDecoder.Outcome, time: LocalTime, zone: Int) {
    do throws(DateTimeError) {
      var decoder = DateTimeDecoder(settings)
      let outcome = try decoder.decode(try DateTimeField.split(text))
      return (outcome, decoder.time, decoder.zone)
    } catch {
      throw error.error(text, type: type)
    }
  }

  /// `YYYY-MM-DD` alone, which is what most texts begin with; nil where it is something else, or not a date.
  static func isoDate(_ text: ByteView) -> LocalTime? {
    guard text.count >= 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
      let century = twoDigits(text, 0), let year = twoDigits(text, 2), let month = twoDigits(text, 5),
      let day = twoDigits(text, 8), 1...12 ~= month
    else { return nil }
    let time = LocalTime(year: century * 100 + year, month: month, day: day)
    guard time.year > 0, day > 0, day <= Calendar.days(inMonth: month, year: time.year) else { return nil }
    return time
  }

  /// `YYYY-MM-DD HH:MM:SS.ffffff` with nothing after it.
  static func isoTimestamp(_ text: ByteView) -> LocalTime? {
    guard text.count >= 19, var time = isoDate(text), text[10] == UInt8(ascii: " "), text[13] == UInt8(ascii: ":"),
      text[16] == UInt8(ascii: ":"), let hour = twoDigits(text, 11), let minute = twoDigits(text, 14),
      let second = twoDigits(text, 17), hour < 24, minute < 60, second < 60
    else { return nil }
    (time.hour, time.minute, time.second) = (hour, minute, second)
    guard text.count > 19 else { return time }
    guard text[19] == UInt8(ascii: "."), text.count <= 26 else { return nil }
    var unit = 100_000
    for byte in text.from(20) {
      guard ASCII.isDigit(byte) else { return nil }
      time.microsecond += Int(byte - UInt8(ascii: "0")) * unit
      unit /= 10
    }
    return time
  }

  private static func twoDigits(_ text: ByteView, _ at: Int) -> Int? {
    guard ASCII.isDigit(text[at]), ASCII.isDigit(text[at + 1]) else { return nil }
    return Int(text[at] - UInt8(ascii: "0")) * 10 + Int(text[at + 1] - UInt8(ascii: "0"))
  }

  /// A precision of seconds in parentheses.
  static func typmod(_ words: [String], _ name: String, _ suffix: String) throws(TypeError) -> Int32 {
    guard words.count == 1, let digits = Int32(words[0]) else { throw .invalidParameter("invalid type modifier") }
    guard digits >= 0 else {
      throw .invalidParameter("\(name)(\(digits))\(suffix) precision must not be negative")
    }
    return min(digits, 6)
  }
}

/// The type `date`.
public enum DateType {
  static func parse(_ text: ByteView, _ settings: DateTimeSettings) throws(TypeError) -> Int32 {
    if text.count == 10, let time = DateTimeInput.isoDate(text), let date = SQLDate.date(time) { return date }
    let (outcome, time, _) = try DateTimeInput.decode(text, type: "date", settings)
    switch outcome {
    case .special(.infinity): return SQLDate.infinity
    case .special(.minusInfinity): return SQLDate.minusInfinity
    case .special: return Int32(Calendar.unixEpochDay - Calendar.postgresEpochDay)
    case .time:
      guard let date = SQLDate.date(time) else {
        throw TypeError(.datetimeFieldOverflow, "date out of range: \"\(text.string)\"")
      }
      return date
    }
  }

  static let functions = TypeDescriptor.Functions(
    input: { (text, _, settings, _) throws(TypeError) in Datum(try parse(text, settings.dateTime)) },
    output: { value, settings, text in
      switch value.int32 {
      case SQLDate.infinity: text.append("infinity")
      case SQLDate.minusInfinity: text.append("-infinity")
      default: DateTimeEncoder.appendDate(SQLDate.localTime(value.int32), settings.dateTime, to: &text)
      }
    },
    receive: { (message, _, _) throws(TypeError) in
      let date = try message.integer(Int32.self)
      guard !SQLDate.isFinite(date) || SQLDate.range.contains(date) else { throw SQLDate.outOfRange }
      return Datum(date)
    },
    send: { value, message in message.append(bigEndian: value.int32) },
    compare: Int4Type.compare, equal: Int4Type.equal, hash: Int4Type.hash,
    hashExtended: { Hashing.word(UInt32(bitPattern: $0.int32), seed: $1) })
}

/// The types `timestamp without time zone` and `timestamp with time zone`.
public enum TimestampType {
  private static func input(
    _ text: ByteView, _ typmod: Int32, _ settings: DateTimeSettings, hasZone: Bool
  ) throws(TypeError) -> Int64 {
    if let time = DateTimeInput.isoTimestamp(text) {
      let timestamp = hasZone ? Timestamp.timestampTZ(time, in: settings.timeZone) : Timestamp.timestamp(time)
      if let timestamp { return Timestamp.rounded(timestamp, digits: typmod) }
    }
    let type: StaticString = hasZone ? "timestamp with time zone" : "timestamp"
    let (outcome, time, zone) = try DateTimeInput.decode(text, type: type, settings)
    switch outcome {
    case .special(.infinity): return Timestamp.infinity
    case .special(.minusInfinity): return Timestamp.minusInfinity
    case .special: return Int64(Calendar.unixEpochDay - Calendar.postgresEpochDay) * Calendar.microsecondsPerDay
    case .time:
      guard let timestamp = Timestamp.timestamp(time, zone: hasZone ? zone : 0) else {
        throw TypeError(.datetimeFieldOverflow, "timestamp out of range: \"\(text.string)\"")
      }
      return Timestamp.rounded(timestamp, digits: typmod)
    }
  }

  static func append(_ value: Int64, _ settings: DateTimeSettings, hasZone: Bool, to text: inout [UInt8]) {
    if value == Timestamp.infinity { return text.append("infinity") }
    if value == Timestamp.minusInfinity { return text.append("-infinity") }
    if hasZone {
      let (time, offset, abbreviation) = Timestamp.localTime(ofTimestampTZ: value, in: settings.timeZone)
      DateTimeEncoder.appendTimestamp(time, zone: (-offset, abbreviation), settings, to: &text)
    } else {
      DateTimeEncoder.appendTimestamp(Timestamp.localTime(value), zone: nil, settings, to: &text)
    }
  }

  static func functions(hasZone: Bool) -> TypeDescriptor.Functions {
    let suffix = hasZone ? " with time zone" : " without time zone"
    return TypeDescriptor.Functions(
      input: { (text, typmod, settings, _) throws(TypeError) in
        Datum(try input(text, typmod, settings.dateTime, hasZone: hasZone))
      },
      output: { value, settings, text in append(value.int64, settings.dateTime, hasZone: hasZone, to: &text) },
      receive: { (message, typmod, _) throws(TypeError) in
        let value = try message.integer(Int64.self)
        guard !Timestamp.isFinite(value) || Timestamp.range.contains(value) else { throw Timestamp.outOfRange }
        return Datum(Timestamp.rounded(value, digits: typmod))
      },
      send: { value, message in message.append(bigEndian: value.int64) },
      compare: Int8Type.compare, equal: Int8Type.equal, hash: Int8Type.hash,
      hashExtended: { Hashing.word(Hashing.fold($0.int64), seed: $1) },
      typmodInput: { (words) throws(TypeError) in
        try DateTimeInput.typmod(words, "TIMESTAMP", hasZone ? " WITH TIME ZONE" : "")
      },
      typmodOutput: { $0 >= 0 ? "(\($0))\(suffix)" : suffix })
  }
}

/// The type `time without time zone`.
public enum TimeType {
  static func parse(
    _ text: ByteView, type: StaticString, _ settings: DateTimeSettings
  ) throws(TypeError) -> (time: LocalTime, zone: Int) {
    do throws(DateTimeError) {
      var decoder = TimeDecoder(settings)
      try decoder.decode(try DateTimeField.split(text))
      return (decoder.time, decoder.zone)
    } catch {
      throw error.error(text, type: type)
    }
  }

  static func append(_ microseconds: Int64, to text: inout [UInt8]) {
    var time = LocalTime()
    time.setTime(microseconds: microseconds)
    DateTimeEncoder.appendTime(time, to: &text)
  }

  static func receive(_ message: inout ByteReader) throws(TypeError) -> Int64 {
    let time = try message.integer(Int64.self)
    guard 0...Calendar.microsecondsPerDay ~= time else {
      throw TypeError(.datetimeFieldOverflow, "time out of range")
    }
    return time
  }

  static let functions = TypeDescriptor.Functions(
    input: { (text, typmod, settings, _) throws(TypeError) in
      let (time, _) = try parse(text, type: "time", settings.dateTime)
      return Datum(SQLTime.rounded(time.timeOfDay, digits: typmod))
    },
    output: { value, _, text in append(value.int64, to: &text) },
    receive: { (message, typmod, _) throws(TypeError) in
      Datum(SQLTime.rounded(try receive(&message), digits: typmod))
    },
    send: { value, message in message.append(bigEndian: value.int64) },
    compare: Int8Type.compare, equal: Int8Type.equal, hash: Int8Type.hash,
    hashExtended: { Hashing.word(Hashing.fold($0.int64), seed: $1) },
    typmodInput: { (words) throws(TypeError) in try DateTimeInput.typmod(words, "TIME", "") },
    typmodOutput: { $0 >= 0 ? "(\($0)) without time zone" : " without time zone" })
}

/// The type `time with time zone`: a time of day and the seconds west of UTC that belong to it, twelve bytes.
public enum TimeTZType {
  public static func time(_ value: Datum) -> Int64 { value.bytes.load(at: 0) }
  public static func zone(_ value: Datum) -> Int32 { value.bytes.load(at: 8) }

  public static func make(_ time: Int64, zone: Int32, in arena: Arena) -> Datum {
    arena.make { bytes in
      bytes.append(native: time)
      bytes.append(native: zone)
    }
  }

  /// By the moment, and where that is the same by the zone.
  public static func compare(_ a: Datum, _ b: Datum) -> Int {
    let left = time(a) &+ Int64(zone(a)) * Calendar.microsecondsPerSecond
    let right = time(b) &+ Int64(zone(b)) * Calendar.microsecondsPerSecond
    if left != right { return left < right ? -1 : 1 }
    return Int(zone(a)) - Int(zone(b))
  }

  static let functions = TypeDescriptor.Functions(
    input: { (text, typmod, settings, arena) throws(TypeError) in
      let (time, zone) = try TimeType.parse(text, type: "time with time zone", settings.dateTime)
      return make(SQLTime.rounded(time.timeOfDay, digits: typmod), zone: Int32(zone), in: arena)
    },
    output: { value, _, text in
      TimeType.append(time(value), to: &text)
      DateTimeEncoder.appendZone(Int(zone(value)), to: &text)
    },
    receive: { (message, typmod, arena) throws(TypeError) in
      let time = try TimeType.receive(&message)
      let zone = try message.integer(Int32.self)
      guard -57_600 < zone, zone < 57_600 else {
        throw TypeError(.timeZoneDisplacement, "time zone displacement out of range")
      }
      return make(SQLTime.rounded(time, digits: typmod), zone: zone, in: arena)
    },
    send: { value, message in
      message.append(bigEndian: time(value))
      message.append(bigEndian: zone(value))
    },
    compare: compare, equal: { compare($0, $1) == 0 },
    hash: { Hashing.word(Hashing.fold(time($0))) ^ Hashing.word(UInt32(bitPattern: zone($0))) },
    hashExtended: {
      Hashing.word(Hashing.fold(time($0)), seed: $1) ^ Hashing.word(UInt32(bitPattern: zone($0)), seed: $1)
    },
    typmodInput: { (words) throws(TypeError) in try DateTimeInput.typmod(words, "TIME", " WITH TIME ZONE") },
    typmodOutput: { $0 >= 0 ? "(\($0)) with time zone" : " with time zone" })
}
