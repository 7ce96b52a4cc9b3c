/// Memory in which messages are put together, used again and again. Grows for a message that is larger than it, and
/// shrinks when that has been sent.
///
/// Numbers are written in network byte order.
struct OutputBuffer: ~Copyable {
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  private(set) var count = 0
  private let usualCapacity: Int

  init(capacity: Int) {
    usualCapacity = capacity
    self.capacity = capacity
    base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  /// What has been written.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Forgets everything from a place on.
  mutating func truncate(to count: Int) {
    precondition(count <= self.count, "a buffer is cut off inside of itself")
    self.count = count
    if count == 0, capacity > usualCapacity * 8 {
      base.deallocate()
      capacity = usualCapacity
      base = .allocate(byteCount: capacity, alignment: 16)
    }
  }

  @inline(__always) private mutating func makeRoom(_ size: Int) {
    if count + size > capacity { grow(size) }
  }

  @inline(never) private mutating func grow(_ size: Int) {
    let larger = max(capacity * 2, count + size)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    memory.copyMemory(from: base, byteCount: count)
    base.deallocate()
    (base, capacity) = (memory, larger)
  }

  @inline(__always) mutating func append<Value: FixedWidthInteger>(_ value: Value) {
    makeRoom(MemoryLayout<Value>.size)
    (base + count).storeBytes(of: value.bigEndian, as: Value.self)
    count += MemoryLayout<Value>.size
  }

  @inline(__always) mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    makeRoom(bytes.count)
    (base + count).copyMemory(from: start, byteCount: bytes.count)
    count += bytes.count
  }

  mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// A string with a zero byte behind it. Zero bytes inside would end it early, so they do.
  mutating func appendZeroTerminated(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      append(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes.prefix { $0 != 0 })))
    }
    append(UInt8(0))
  }

  /// Writes a number over what is there.
  @inline(__always) mutating func replace(at offset: Int, with value: Int32) {
    precondition(offset + 4 <= count, "a length is written inside the buffer")
    (base + offset).storeBytes(of: value.bigEndian, as: Int32.self)
  }
}
