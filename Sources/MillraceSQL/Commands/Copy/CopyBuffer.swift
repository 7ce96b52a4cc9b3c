import MillraceTypes

/// Bytes that COPY TO puts together, in memory that is used again and again. Used by one thread.
final class CopyBuffer {
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 1 << 17) {
    self.capacity = capacity
    base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  func clear() { count = 0 }

  /// Room for more. - Returns: where it begins; ``count`` has to be moved on.
  @inline(__always) private func room(_ size: Int) -> UnsafeMutableRawPointer {
    if count + size > capacity { grow(size) }
    return base + count
  }

  @inline(never) private func grow(_ size: Int) {
    let larger = max(capacity * 2, count + size)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    memory.copyMemory(from: base, byteCount: count)
    base.deallocate()
    (base, capacity) = (memory, larger)
  }

  @inline(__always) func append(_ byte: UInt8) {
    room(1).storeBytes(of: byte, as: UInt8.self)
    count += 1
  }

  @inline(__always) func append(_ view: ByteView) {
    guard let source = view.buffer.baseAddress else { return }
    room(view.count).copyMemory(from: source, byteCount: view.count)
    count += view.count
  }

  func append(_ bytes: [UInt8]) { bytes.withByteView { append($0) } }

  /// In network byte order.
  @inline(__always) func append<Number: FixedWidthInteger & BitwiseCopyable>(bigEndian number: Number) {
    room(MemoryLayout<Number>.size).storeBytes(of: number.bigEndian, as: Number.self)
    count += MemoryLayout<Number>.size
  }

  /// In decimal.
  @inline(__always) func append(decimal number: Int64) {
    let place = room(20)
    var magnitude = number.magnitude
    var at = 0
    if number < 0 {
      place.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
      at = 1
    }
    at += Self.digitCount(magnitude)
    count += at
    while magnitude >= 10 {
      let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
      at -= 1
      place.storeBytes(of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit), toByteOffset: at, as: UInt8.self)
      magnitude = quotient
    }
    place.storeBytes(of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude), toByteOffset: at - 1, as: UInt8.self)
  }

  @inline(__always) private static func digitCount(_ number: UInt64) -> Int {
    var (count, limit): (Int, UInt64) = (1, 10)
    while count < 20, number >= limit {
      count += 1
      let (next, overflows) = limit.multipliedReportingOverflow(by: 10)
      if overflows { break }
      limit = next
    }
    return count
  }
}
