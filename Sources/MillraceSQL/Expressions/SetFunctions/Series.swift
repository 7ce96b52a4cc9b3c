import MillraceTypes

/// What the steps of `generate_series` cannot be.
private func invalidStep(_ what: String) -> SQLError {
  SQLError(.invalidParameterValue, "step size cannot \(what)")
}

/// `generate_series` of integers.
final class IntegerSeries: SetFunction {
  private let isWide: Bool
  private var (current, end, step): (Int64, Int64, Int64) = (0, 0, 1)
  private var isOver = true

  init(isWide: Bool) { self.isWide = isWide }

  override func start(_ call: CallFrame) throws(SQLError) {
    (current, end, step) = (call[0].int64, call[1].int64, call.count > 2 ? call[2].int64 : 1)
    if step == 0 { throw invalidStep("equal zero") }
    isOver = false
  }

  override func next(_ values: UnsafeMutablePointer<Datum?>, _ arena: Arena) throws(SQLError) -> Bool {
    if isOver || (step > 0 ? current > end : current < end) { return false }
    values[0] = Datum(current)
    let (next, overflows) = current.addingReportingOverflow(step)
    current = next
    isOver = overflows || (!isWide && Int32(exactly: next) == nil)
    return true
  }
}

/// `generate_series` of numeric.
final class NumericSeries: SetFunction {
  private var (current, end, step) = (Numeric.zero, Numeric.zero, Numeric.one)

  override func start(_ call: CallFrame) throws(SQLError) {
    func value(_ index: Int, _ name: String) throws(SQLError) -> Numeric {
      let value = call.numeric(index)
      if value.isNaN { throw SQLError(.invalidParameterValue, "\(name) cannot be NaN") }
      if value.isInfinite { throw SQLError(.invalidParameterValue, "\(name) cannot be infinity") }
      return value
    }
    current = try value(0, "start value")
    end = try value(1, "stop value")
    step = call.count > 2 ? try value(2, "step size") : .one
    if step.isZero { throw invalidStep("equal zero") }
  }

  override func next(_ values: UnsafeMutablePointer<Datum?>, _ arena: Arena) throws(SQLError) -> Bool {
    let order = Numeric.compare(current, end)
    if step.sign > 0 ? order > 0 : order < 0 { return false }
    do throws(TypeError) { values[0] = try NumericType.datum(current, in: arena) } catch { throw SQLError(error) }
    current = current + step
    return true
  }
}

/// `generate_series` of timestamps.
final class TimestampSeries: SetFunction {
  private let hasZone: Bool
  private var (current, end): (Int64, Int64) = (0, 0)
  private var step = Interval()
  private var zone: TimeZone?
  private var sign = 0

  init(hasZone: Bool) { self.hasZone = hasZone }

  override func start(_ call: CallFrame) throws(SQLError) {
    (current, end, step) = (call[0].int64, call[1].int64, call.interval(2))
    if !step.isFinite { throw invalidStep("be infinite") }
    sign = Interval.compare(step, Interval())
    if sign == 0 { throw invalidStep("equal zero") }
    guard hasZone else { return }
    zone = call.dateTime.timeZone
    if call.count > 3 {
      do throws(TypeError) { zone = try TimeZone.meant(by: call.text(3), session: call.dateTime.timeZone) } catch {
        throw SQLError(error)
      }
    }
  }

  override func next(_ values: UnsafeMutablePointer<Datum?>, _ arena: Arena) throws(SQLError) -> Bool {
    if sign > 0 ? current > end : current < end { return false }
    values[0] = Datum(current)
    do throws(TypeError) { current = try Timestamp.adding(current, step, in: zone) } catch { throw SQLError(error) }
    return true
  }
}

/// `generate_subscripts`.
final class SubscriptSeries: SetFunction {
  private var (next, last, step) = (0, -1, 1)

  override func start(_ call: CallFrame) throws(SQLError) {
    let ((lengths, bounds), dimension) = (ArrayType.dimensions(call[0]), Int(call[1].int32))
    (next, last, step) = (0, -1, 1)
    guard dimension >= 1, dimension <= lengths.count else { return }
    (next, last) = (bounds[dimension - 1], bounds[dimension - 1] + lengths[dimension - 1] - 1)
    if call.count > 2, call[2].bool { (next, last, step) = (last, next, -1) }
  }

  override func next(_ values: UnsafeMutablePointer<Datum?>, _ arena: Arena) throws(SQLError) -> Bool {
    if step > 0 ? next > last : next < last { return false }
    values[0] = Datum(Int32(next))
    next += step
    return true
  }
}

/// `unnest` of an array.
final class ArrayElements: SetFunction {
  private var elements: [Datum?] = []
  private var place = 0

  override func start(_ call: CallFrame) throws(SQLError) {
    do throws(TypeError) {
      elements = ArrayType.elements(call[0], of: try call.elementType(0))
    } catch { throw SQLError(error) }
    place = 0
  }

  override func next(_ values: UnsafeMutablePointer<Datum?>, _ arena: Arena) throws(SQLError) -> Bool {
    guard place < elements.count else { return false }
    values[0] = elements[place]
    place += 1
    return true
  }
}

/// A function whose values are all computed at its start.
final class ListedValues: SetFunction {
  private let list: (CallFrame) throws(SQLError) -> [Datum?]
  private var values: [Datum?] = []
  private var place = 0

  init(_ list: @escaping (CallFrame) throws(SQLError) -> [Datum?]) { self.list = list }

  override func start(_ call: CallFrame) throws(SQLError) {
    place = 0
    values = call.optional(0) == nil ? [] : try list(call)
  }

  override func next(_ result: UnsafeMutablePointer<Datum?>, _ arena: Arena) throws(SQLError) -> Bool {
    guard place < values.count else { return false }
    result[0] = values[place]
    place += 1
    return true
  }
}

/// `pg_options_to_table`: `name=value` texts as two columns.
final class OptionRows: SetFunction {
  private var options: [Datum?] = []
  private var place = 0

  override var columnCount: Int { 2 }

  override func start(_ call: CallFrame) throws(SQLError) {
    options = ArrayType.elements(call[0], of: .text)
    place = 0
  }

  override func next(_ values: UnsafeMutablePointer<Datum?>, _ arena: Arena) throws(SQLError) -> Bool {
    while place < options.count {
      defer { place += 1 }
      guard let option = options[place]?.bytes else { continue }
      if let sign = option.firstIndex(of: UInt8(ascii: "=")) {
        (values[0], values[1]) = (Datum(option.upTo(sign)), Datum(option.from(sign + 1)))
      } else {
        (values[0], values[1]) = (Datum(option), nil)
      }
      return true
    }
    return false
  }
}
