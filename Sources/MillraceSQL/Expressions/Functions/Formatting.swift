import MillraceTypes

/// A template that was parsed for one row and is kept for the next ones.
private final class KeptTemplate<Template> {
  let source: [UInt8]
  let template: Template

  init(_ source: [UInt8], _ template: Template) { (self.source, self.template) = (source, template) }
}

extension CallFrame {
  fileprivate func dateTimeTemplate(_ index: Int) -> DateTimeTemplate {
    if let kept = memory as? KeptTemplate<DateTimeTemplate>, kept.source.withByteView({ $0.isEqual(text(index)) }) {
      return kept.template
    }
    let made = DateTimeTemplate(text(index))
    memory = KeptTemplate(text(index).array, made)
    return made
  }

  fileprivate func numberTemplate(_ index: Int) throws(TypeError) -> NumberTemplate {
    if let kept = memory as? KeptTemplate<NumberTemplate>, kept.source.withByteView({ $0.isEqual(text(index)) }) {
      return kept.template
    }
    let made = try NumberTemplate(text(index))
    memory = KeptTemplate(text(index).array, made)
    return made
  }
}

/// to_char, to_number, to_date and to_timestamp.
extension FunctionRegistry {
  mutating func addFormatting() {
    scalar("timestamp_to_char") { (call) throws(TypeError) in
      guard Timestamp.isFinite(call[0].int64), !call.text(1).isEmpty else { return nil }
      let template = call.dateTimeTemplate(1)
      return try call.make { (text) throws(TypeError) in try template.append(call[0].int64, to: &text) }
    }
    scalar("timestamptz_to_char") { (call) throws(TypeError) in
      guard Timestamp.isFinite(call[0].int64), !call.text(1).isEmpty else { return nil }
      let template = call.dateTimeTemplate(1)
      return try call.make { (text) throws(TypeError) in
        try template.append(timestampTZ: call[0].int64, in: call.dateTime.timeZone, to: &text)
      }
    }
    scalar("interval_to_char") { (call) throws(TypeError) in
      guard call.interval(0).isFinite, !call.text(1).isEmpty else { return nil }
      let template = call.dateTimeTemplate(1)
      return try call.make { (text) throws(TypeError) in try template.append(call.interval(0), to: &text) }
    }
    scalar("int4_to_char", "int8_to_char") { (call) throws(TypeError) in
      let template = try call.numberTemplate(1)
      return try call.make { (text) throws(TypeError) in try template.append(Numeric(call[0].int64), to: &text) }
    }
    scalar("numeric_to_char") { (call) throws(TypeError) in
      let template = try call.numberTemplate(1)
      return try call.make { (text) throws(TypeError) in try template.append(call.numeric(0), to: &text) }
    }
    scalar("float8_to_char") { (call) throws(TypeError) in
      let template = try call.numberTemplate(1)
      return try call.make { (text) throws(TypeError) in try template.append(call[0].float8, to: &text) }
    }
    scalar("float4_to_char") { (call) throws(TypeError) in
      let template = try call.numberTemplate(1)
      return try call.make { (text) throws(TypeError) in
        try template.append(Double(call[0].float4), digits: 6, to: &text)
      }
    }
    scalar("numeric_to_number") { (call) throws(TypeError) in
      guard !call.text(1).isEmpty else { return nil }
      return try call.make(try call.numberTemplate(1).number(from: call.text(0)))
    }
    scalar("to_date") { (call) throws(TypeError) in
      Datum(try call.dateTimeTemplate(1).date(from: call.text(0), call.dateTime))
    }
    scalar("to_timestamp") { (call) throws(TypeError) in
      Datum(try call.dateTimeTemplate(1).timestampTZ(from: call.text(0), call.dateTime))
    }
  }
}
