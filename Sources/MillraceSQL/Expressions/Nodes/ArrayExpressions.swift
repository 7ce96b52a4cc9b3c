import MillraceTypes

/// `ARRAY[…]`: of values, or of arrays that become its parts.
final class CompiledArray: ComputingExpression {
  private let elements: [CompiledExpression]
  private let elementType: TypeDescriptor
  private let isNested: Bool

  init(_ elements: [CompiledExpression], _ elementType: TypeDescriptor, isNested: Bool, _ type: ValueType) {
    (self.elements, self.elementType, self.isNested) = (elements, elementType, isNested)
    super.init(type)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    var inputs: [ColumnVector] = []
    inputs.reserveCapacity(elements.count)
    for element in elements { inputs.append(try element.evaluate(batch, rows, arena)) }
    let result = self.result(for: batch)
    for place in 0..<rows.count {
      let row = rows[place]
      let values = inputs.map { $0[row] }
      do throws(TypeError) {
        result.values[row] =
          isNested
          ? try ArrayType.nest(values, of: elementType, in: arena)
          : ArrayType.make(values, of: elementType, in: arena)
      } catch { throw SQLError(error) }
      result.nulls[row] = false
    }
    return result
  }
}

/// `x operator ANY (array)` and `x operator ALL (array)`, the latter as the former's counterpart.
///
/// Where the array is the same for all rows its elements are taken out once, and each is compared with all rows that
/// are not decided; or, if it has many and the operator is an equality, each row's value is looked up in a hash table.
final class CompiledArrayComparison: ComputingExpression {
  private let left: CompiledExpression
  private let array: CompiledExpression
  private let leftPlace: CompiledCaseOperand
  private let elementPlace: CompiledCaseOperand
  private let call: CompiledExpression
  private let elementType: TypeDescriptor
  private let isAll: Bool
  /// How both sides hash, where the operator is their equality.
  private let hashes: ValueHashing?
  private let undecided = SelectionStorage()
  private let elementStorage = VectorStorage()
  private var fixed: FixedArray?

  /// The elements of an array that is the same for all rows.
  private struct FixedArray {
    var isNull = false
    var elements: [Datum] = []
    var containsNull = false
    var table: ValueSet?
  }

  /// From how many elements on a hash table is made: `MIN_ARRAY_SIZE_FOR_HASHED_SAOP`.
  private static let hashedCountMin = 9

  init(
    _ left: CompiledExpression, _ array: CompiledExpression, _ elementType: TypeDescriptor, isAll: Bool,
    hashes: ValueHashing?,
    compile: (CompiledExpression, CompiledExpression) throws(SQLError) -> CompiledExpression
  ) throws(SQLError) {
    (self.left, self.array, self.elementType, self.isAll) = (left, array, elementType, isAll)
    self.hashes = hashes
    leftPlace = CompiledCaseOperand(left.type)
    elementPlace = CompiledCaseOperand(ValueType(elementType.id))
    call = try compile(leftPlace, elementPlace)
    super.init(ValueType(.bool))
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let left = try left.evaluate(batch, rows, arena)
    let arrays = try array.evaluate(batch, rows, arena)
    leftPlace.vector = left
    let result = self.result(for: batch)
    guard rows.count > 0 else { return result }
    guard array.isConstant else { return try evaluateEach(batch, rows, left, arrays, result, arena) }
    let fixed = self.fixed ?? fix(arrays[rows[0]])
    self.fixed = fixed
    for place in 0..<rows.count {
      let row = rows[place]
      result.values[row] = Datum(isAll)
      result.nulls[row] = fixed.isNull || (fixed.containsNull && (left.nulls[row] || !fixed.elements.isEmpty))
    }
    if fixed.isNull { return result }
    if let table = fixed.table {
      lookUp(table, fixed, left, rows, result)
    } else {
      try compareEach(fixed, batch, rows, result, arena)
    }
    return result
  }

  private func fix(_ array: Datum?) -> FixedArray {
    guard let array else { return FixedArray(isNull: true) }
    let elements = ArrayType.elements(array, of: elementType)
    var fixed = FixedArray()
    fixed.elements = elements.compactMap { $0 }
    fixed.containsNull = fixed.elements.count < elements.count
    if let hashes, fixed.elements.count >= Self.hashedCountMin {
      fixed.table = ValueSet(fixed.elements, hashes)
    }
    return fixed
  }

  private func lookUp(
    _ table: ValueSet, _ fixed: FixedArray, _ left: ColumnVector, _ rows: RowSelection, _ result: ColumnVector
  ) {
    for place in 0..<rows.count {
      let row = rows[place]
      if left.nulls[row] {
        result.nulls[row] = true
      } else if table.contains(left.values[row]) {
        result.values[row] = Datum(true)
        result.nulls[row] = false
      } else {
        result.nulls[row] = fixed.containsNull
      }
    }
  }

  /// Element after element, each for all rows that are not decided.
  private func compareEach(
    _ fixed: FixedArray, _ batch: RowBatch, _ rows: RowSelection, _ result: ColumnVector, _ arena: Arena
  ) throws(SQLError) {
    elementStorage.reserve(batch.capacity)
    let element = elementStorage.vector
    element.nulls.initialize(repeating: false, count: batch.capacity)
    if fixed.containsNull {
      for place in 0..<rows.count { result.nulls[rows[place]] = true }
    } else {
      for place in 0..<rows.count { result.nulls[rows[place]] = false }
    }
    elementPlace.vector = element
    let left = undecided.reserve(batch.capacity)
    var current = rows
    for value in fixed.elements where current.count > 0 {
      element.values.initialize(repeating: value, count: batch.capacity)
      let compared = try call.evaluate(batch, current, arena)
      current = Self.decide(compared, current, result, isAll: isAll, into: left)
    }
  }

  /// Takes over what a comparison says of rows.
  /// - Returns: the rows that it has not decided.
  private static func decide(
    _ compared: ColumnVector, _ rows: RowSelection, _ result: ColumnVector, isAll: Bool,
    into left: UnsafeMutablePointer<UInt16>
  ) -> RowSelection {
    var count = 0
    for place in 0..<rows.count {
      let row = rows[place]
      if compared.nulls[row] {
        result.nulls[row] = true
      } else if compared.values[row].bool != isAll {
        result.values[row] = Datum(!isAll)
        result.nulls[row] = false
        continue
      }
      left[count] = UInt16(truncatingIfNeeded: row)
      count += 1
    }
    return RowSelection(UnsafePointer(left), count: count, isDense: rows.isDense && count == rows.count)
  }

  /// An array of its own for each row.
  private func evaluateEach(
    _ batch: RowBatch, _ rows: RowSelection, _ left: ColumnVector, _ arrays: ColumnVector, _ result: ColumnVector,
    _ arena: Arena
  ) throws(SQLError) -> ColumnVector {
    elementStorage.reserve(batch.capacity)
    let element = elementStorage.vector
    elementPlace.vector = element
    let chosen = undecided.reserve(batch.capacity)
    for place in 0..<rows.count {
      let row = rows[place]
      result.values[row] = Datum(isAll)
      result.nulls[row] = arrays.nulls[row]
      guard let array = arrays[row] else { continue }
      for value in ArrayType.elements(array, of: elementType) {
        element.values[row] = value ?? Datum(word: 0)
        element.nulls[row] = value == nil
        chosen[0] = UInt16(truncatingIfNeeded: row)
        let one = RowSelection(UnsafePointer(chosen), count: 1, isDense: row == 0)
        let compared = try call.evaluate(batch, one, arena)
        if Self.decide(compared, one, result, isAll: isAll, into: chosen).count == 0 { break }
      }
    }
    return result
  }
}

/// How values of two types that an equality operator compares are hashed: equal ones alike.
struct ValueHashing {
  let left: TypeDescriptor.Hash
  let right: TypeDescriptor.Hash
  let equal: TypeDescriptor.Equality

  /// nil where a type has no hash, or where the two are not compared by the type's own equality.
  init?(_ left: TypeID, _ right: TypeID) {
    guard let first = TypeDescriptor.builtIn[left], let second = TypeDescriptor.builtIn[right],
      let hash = first.hash, let otherHash = second.hash, let equal = first.equal,
      left == right || Self.shareEquality(left, right)
    else { return nil }
    (self.left, self.right, self.equal) = (hash, otherHash, equal)
  }

  private static func shareEquality(_ left: TypeID, _ right: TypeID) -> Bool {
    let texts: Set<TypeID> = [.text, .varchar]
    return texts.contains(left) && texts.contains(right)
  }
}

/// Values that can be looked up: open addressing, linear probing.
struct ValueSet {
  private var slots: [Datum?]
  private let mask: Int
  private let hashing: ValueHashing

  /// - Parameter values: of the right type of the hashing; must live as long as the set.
  init(_ values: [Datum], _ hashing: ValueHashing) {
    var size = 16
    while size < values.count * 2 { size *= 2 }
    slots = Array(repeating: nil, count: size)
    mask = size - 1
    self.hashing = hashing
    for value in values {
      var slot = Int(hashing.right(value)) & mask
      while slots[slot] != nil { slot = (slot + 1) & mask }
      slots[slot] = value
    }
  }

  func contains(_ value: Datum) -> Bool {
    var slot = Int(hashing.left(value)) & mask
    while let other = slots[slot] {
      if hashing.equal(value, other) { return true }
      slot = (slot + 1) & mask
    }
    return false
  }
}
