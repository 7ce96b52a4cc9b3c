/// Reads a value's binary form from a message, from front to back.
///
/// Numbers are in network byte order. A receive function takes what is its own and leaves the rest; who called it says
/// what it means that some is left.
public struct ByteReader {
  /// What has not been read yet.
  public private(set) var rest: ByteView

  public init(_ bytes: ByteView) { rest = bytes }

  public var isAtEnd: Bool { rest.isEmpty }

  /// The next bytes. They stay where they are.
  public mutating func bytes(_ count: Int) throws(TypeError) -> ByteView {
    guard count >= 0, count <= rest.count else { throw .insufficientMessage }
    let taken = rest.upTo(count)
    rest = rest.from(count)
    return taken
  }

  public mutating func integer<Number: FixedWidthInteger & BitwiseCopyable>(
    _: Number.Type = Number.self
  ) throws(TypeError) -> Number {
    if MemoryLayout<Number>.size == 1, rest.isEmpty { throw .emptyMessage }
    return Number(bigEndian: try bytes(MemoryLayout<Number>.size).load(at: 0))
  }

  /// All that is left.
  public mutating func remaining() -> ByteView {
    defer { rest = ByteView() }
    return rest
  }

  /// All that is left, as text: it must be UTF-8.
  public mutating func text() throws(TypeError) -> ByteView {
    let text = remaining()
    try UTF8Encoding.validate(text)
    return text
  }
}
