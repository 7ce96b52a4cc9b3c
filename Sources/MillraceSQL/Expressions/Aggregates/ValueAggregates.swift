import MillraceTypes

/// `min`, `max` and `any_value` of types passed by reference: the state owns a copy of the value.
final class BytesExtremeAggregate: Aggregate {
  private struct State {
    var bytes: UnsafeMutableRawPointer?
    var count: Int
    var capacity: Int
  }

  enum Choice { case min, max, any }

  private let choice: Choice
  private let compare: TypeDescriptor.Comparison

  init(_ choice: Choice, _ compare: @escaping TypeDescriptor.Comparison) {
    (self.choice, self.compare) = (choice, compare)
  }

  override var stateSize: Int { MemoryLayout<State>.size }
  override var needsRelease: Bool { true }

  @inline(__always) private static func value(_ state: State) -> Datum {
    Datum(UnsafeRawBufferPointer(start: state.bytes, count: state.count))
  }

  @inline(__always) private func add(_ value: Datum, to state: UnsafeMutablePointer<State>) {
    if state.pointee.bytes != nil {
      if choice == .any { return }
      let order = compare(value, Self.value(state.pointee))
      if choice == .max ? order <= 0 : order >= 0 { return }
    }
    let count = value.count
    if state.pointee.bytes == nil || state.pointee.capacity < count {
      state.pointee.bytes?.deallocate()
      let capacity = max(16, count)
      state.pointee.bytes = .allocate(byteCount: capacity, alignment: 8)
      state.pointee.capacity = capacity
    }
    UnsafeMutableRawBufferPointer(start: state.pointee.bytes, count: count).copyMemory(from: value.bytes.buffer)
    state.pointee.count = count
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    let state = state.assumingMemoryBound(to: State.self)
    // The best of the batch is found first, and copied once.
    var best: Datum?
    rows.eachValue(inputs[0]) { _, value in
      guard let known = best else {
        best = value
        return
      }
      if choice == .any { return }
      let order = compare(value, known)
      if choice == .max ? order > 0 : order < 0 { best = value }
    }
    if let best { add(best, to: state) }
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates
  ) throws(SQLError) {
    rows.eachValue(inputs[0]) { row, value in add(value, to: states[row].assumingMemoryBound(to: State.self)) }
  }

  override func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    let state = state.load(as: State.self)
    return state.bytes == nil ? nil : arena.copy(Self.value(state), isByValue: false)
  }

  override func release(_ state: UnsafeMutableRawPointer) {
    let state = state.assumingMemoryBound(to: State.self)
    state.pointee.bytes?.deallocate()
    state.pointee = State(bytes: nil, count: 0, capacity: 0)
  }
}

/// Aggregates that fold words: `bool_and`, `bool_or`, `bit_and`, `bit_or`, `bit_xor`, and `any_value` of types passed
/// by value.
final class WordAggregate: Aggregate {
  enum Operation { case and, or, xor, any }

  private struct State {
    var word: UInt64
    var isThere: Bool
  }

  private let operation: Operation

  init(_ operation: Operation) { self.operation = operation }

  @inline(__always) private func add(_ word: UInt64, to state: UnsafeMutablePointer<State>) {
    guard state.pointee.isThere else {
      state.pointee = State(word: word, isThere: true)
      return
    }
    switch operation {
    case .and: state.pointee.word &= word
    case .or: state.pointee.word |= word
    case .xor: state.pointee.word ^= word
    case .any: break
    }
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    let state = state.assumingMemoryBound(to: State.self)
    rows.eachValue(inputs[0]) { _, value in add(value.word, to: state) }
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates
  ) throws(SQLError) {
    rows.eachValue(inputs[0]) { row, value in
      add(value.word, to: states[row].assumingMemoryBound(to: State.self))
    }
  }

  override func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    let state = state.load(as: State.self)
    return state.isThere ? Datum(word: state.word) : nil
  }
}
