/// The dimensions of an array and where its elements lie (PostgreSQL's array.h).
struct ArrayShape {
  static let dimensionsMax = 6

  /// The number of elements in each dimension; none for an empty array.
  var lengths: [Int] = []
  var lowerBounds: [Int] = []
  var hasNulls = false

  var count: Int { lengths.isEmpty ? 0 : lengths.reduce(1, *) }

  /// The bytes before the elements or the bitmap of NULLs, without the varlena's length word.
  private var headerBytes: Int { 12 + 8 * lengths.count }

  /// Where the first element is, counted from after the length word.
  private var dataStart: Int {
    let bitmap = hasNulls ? (count + 7) / 8 : 0
    // Aligned as if the length word were there.
    return (headerBytes + 4 + bitmap + 7) & ~7 - 4
  }

  init() {}

  /// The shape of a value. One that cannot be, because its page was damaged, is that of an empty array.
  init(_ bytes: ByteView) {
    guard bytes.count >= 12 else { return }
    let dimensions = Int(bytes.load(at: 0, as: Int32.self))
    guard 0...Self.dimensionsMax ~= dimensions, bytes.count >= 12 + 8 * dimensions else { return }
    var shape = ArrayShape()
    shape.hasNulls = bytes.load(at: 4, as: Int32.self) != 0
    for index in 0..<dimensions {
      shape.lengths.append(Int(bytes.load(at: 12 + 4 * index, as: Int32.self)))
      shape.lowerBounds.append(Int(bytes.load(at: 12 + 4 * (dimensions + index), as: Int32.self)))
    }
    // A NULL takes one bit, and every other element a byte.
    guard shape.isPossible(countMax: bytes.count * (shape.hasNulls ? 8 : 1)),
      !shape.hasNulls || shape.headerBytes + (shape.count + 7) / 8 <= bytes.count
    else { return }
    self = shape
  }

  /// Whether there are no more elements than `countMax`, and their subscripts are numbers of four bytes.
  func isPossible(countMax: Int) -> Bool {
    var count = 1
    for (length, bound) in zip(lengths, lowerBounds) {
      guard length >= 0, bound + length <= Int(Int32.max) + 1 else { return false }
      let (product, isTooLarge) = count.multipliedReportingOverflow(by: length)
      guard !isTooLarge, product <= countMax else { return false }
      count = product
    }
    return true
  }

  // MARK: - Elements

  /// The elements of a value, nil where NULL, and where the value ends before. They point into it.
  func elements(_ bytes: ByteView, _ element: TypeDescriptor) -> [Datum?] {
    var values: [Datum?] = []
    values.reserveCapacity(count)
    var at = dataStart
    for index in 0..<count {
      if hasNulls, bytes[headerBytes + index / 8] & 1 << UInt8(index % 8) == 0 {
        values.append(nil)
        continue
      }
      values.append(at < bytes.count ? Self.element(bytes, &at, element) : nil)
    }
    return values
  }

  private static func element(_ bytes: ByteView, _ at: inout Int, _ type: TypeDescriptor) -> Datum? {
    func align() { at = (at + 4 + type.alignment.bytes - 1) & ~(type.alignment.bytes - 1) - 4 }
    /// The bytes behind a header, if they are there.
    func part(_ header: Int, _ length: Int) -> ByteView? {
      guard length >= header, length <= bytes.count - at else {
        at = bytes.count
        return nil
      }
      defer { at += length }
      return bytes[at + header..<at + length]
    }
    switch type.length {
    case -1:
      // A short header stands anywhere; padding before a long one is zero.
      if bytes[at] == 0 { align() }
      if at < bytes.count, bytes[at] & 1 == 1 { return part(1, Int(bytes[at] >> 1)).map { Datum($0) } }
      guard at + 4 <= bytes.count else { return nil }
      return part(4, Int(bytes.load(at: at, as: UInt32.self) >> 2)).map { Datum($0) }
    case -2:
      let end = bytes.from(at).firstIndex(of: 0).map { at + $0 } ?? bytes.count
      defer { at = end + 1 }
      return Datum(bytes[at..<end])
    default:
      align()
      guard let value = part(0, Int(type.length)) else { return nil }
      guard type.isByValue else { return Datum(value) }
      return Datum(loading: value, isSigned: !type.isUnsigned)
    }
  }

  // MARK: - Making a value

  func make(_ values: [Datum?], _ type: TypeDescriptor, in arena: Arena) -> Datum {
    arena.make { bytes in
      bytes.append(native: Int32(lengths.count))
      bytes.append(native: hasNulls ? Int32(dataStart + 4) : 0)
      bytes.append(native: type.id.rawValue)
      for length in lengths { bytes.append(native: Int32(length)) }
      for bound in lowerBounds { bytes.append(native: Int32(bound)) }
      if hasNulls {
        var bitmap = [UInt8](repeating: 0, count: (values.count + 7) / 8)
        for (index, value) in values.enumerated() where value != nil { bitmap[index / 8] |= 1 << UInt8(index % 8) }
        bytes.append(contentsOf: bitmap)
      }
      while bytes.count < dataStart { bytes.append(0) }
      for case let value? in values { Self.append(value, type, to: &bytes) }
    }
  }

  private static func append(_ value: Datum, _ type: TypeDescriptor, to bytes: inout [UInt8]) {
    while (bytes.count + 4) % type.alignment.bytes != 0 { bytes.append(0) }
    switch type.length {
    case -1:
      bytes.append(native: UInt32(value.count + 4) << 2)
      bytes.append(value.bytes)
    case -2:
      bytes.append(value.bytes)
      bytes.append(0)
    case 1: bytes.append(value.char)
    case 2: bytes.append(native: value.int16)
    case 4: bytes.append(native: value.int32)
    case 8 where type.isByValue: bytes.append(native: value.int64)
    default: bytes.append(value.bytes)
    }
    // The next element begins aligned, and so does the end, which PostgreSQL counts to the array's size.
    while (bytes.count + 4) % type.alignment.bytes != 0 { bytes.append(0) }
  }
}

extension TypeDescriptor {
  /// Whether a value of four bytes is extended by zeros, as OIDs and the bits of `real` are.
  var isUnsigned: Bool {
    switch id {
    case .int2, .int4, .int8, .date, .time, .timestamp, .timestampTZ: false
    default: true
    }
  }
}

extension Datum {
  /// A value passed by value, from its bytes in a tuple or an array.
  init(loading bytes: ByteView, isSigned: Bool) {
    switch bytes.count {
    case 1: self.init(char: bytes[0])
    case 2: self.init(bytes.load(at: 0, as: Int16.self))
    case 4:
      let value: UInt32 = bytes.load(at: 0)
      if isSigned { self.init(Int32(bitPattern: value)) } else { self.init(oid: value) }
    default: self.init(word: bytes.load(at: 0))
    }
  }
}
