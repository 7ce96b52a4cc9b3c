/// What went wrong in decoding a text (PostgreSQL's DTERR codes). Without the text and the type's name, which the input
/// functions add.
enum DateTimeError: Error {
  case badFormat
  case fieldOverflow
  /// As ``fieldOverflow``, and month and day may have been taken for each other.
  case monthDayOverflow
  case intervalOverflow
  case zoneDisplacementOverflow
  case badTimeZone(String)

  /// PostgreSQL's message (DateTimeParseError).
  func error(_ text: ByteView, type: StaticString) -> TypeError {
    let shown = text.string
    switch self {
    case .badFormat:
      return TypeError(.invalidDatetimeFormat, "invalid input syntax for type \(type): \"\(shown)\"")
    case .fieldOverflow:
      return TypeError(.datetimeFieldOverflow, "date/time field value out of range: \"\(shown)\"")
    case .monthDayOverflow:
      return TypeError(
        .datetimeFieldOverflow, "date/time field value out of range: \"\(shown)\"",
        hint: "Perhaps you need a different \"DateStyle\" setting.")
    case .intervalOverflow:
      return TypeError(.intervalFieldOverflow, "interval field value out of range: \"\(shown)\"")
    case .zoneDisplacementOverflow:
      return TypeError(.timeZoneDisplacement, "time zone displacement out of range: \"\(shown)\"")
    case .badTimeZone(let zone): return .invalidParameter("time zone \"\(zone)\" not recognized")
    }
  }
}
