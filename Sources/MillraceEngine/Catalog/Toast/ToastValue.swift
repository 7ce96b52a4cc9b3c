import MillraceTypes
import MillraceWAL

/// A compressed value: a length word, a word with the value's own length and the method, the compressed bytes
/// (`varattrib_4b.va_compressed`, src/include/varatt.h).
enum ToastValue {
  private static let sizeMask: UInt32 = 0x3FFF_FFFF

  /// Compresses a value.
  /// - Returns: the whole varlena; nil where that would not make it shorter.
  static func compressed(_ value: ByteView, _ method: ToastCompression, in arena: Arena) -> Datum? {
    guard method == .pglz, value.count <= Int(sizeMask) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(value.count)
    bytes.append(native: UInt32(0))
    bytes.append(native: UInt32(value.count) | UInt32(method.rawValue) << 30)
    guard PGLZ.compress(value.buffer, to: &bytes), bytes.count < value.count + 4 - 2 else { return nil }
    bytes.overwrite(native: UInt32(bytes.count) << 2 | 2, at: 0)
    return Datum(arena.copy(bytes).bytes, isToasted: true)
  }

  /// The length of a compressed value as it was.
  /// - Parameter body: what follows the length word.
  static func rawSize(_ body: ByteView) -> Int? {
    guard body.count >= 4 else { return nil }
    return Int(body.load(at: 0, as: UInt32.self) & sizeMask)
  }

  static func method(_ body: ByteView) -> ToastCompression? {
    ToastCompression(rawValue: UInt8(body.load(at: 0, as: UInt32.self) >> 30))
  }

  /// - Parameter body: what follows the length word.
  /// - Throws: ``EngineError`` where the bytes are damaged.
  static func decompressed(_ body: ByteView, in arena: Arena) throws(EngineError) -> Datum {
    guard let size = rawSize(body), let method = method(body) else {
      throw EngineError(.dataCorrupted, "compressed data is corrupt")
    }
    let target = arena.allocate(size)
    let source = body.from(4).buffer
    let isWhole =
      switch method {
      case .pglz: PGLZ.decompress(source, to: target)
      case .lz4: LZ4.decompress(source, to: target)
      }
    guard isWhole else {
      throw EngineError(.dataCorrupted, "compressed \(method) data is corrupt")
    }
    return Datum(UnsafeRawBufferPointer(target))
  }
}

/// The block format of LZ4 (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md), for reading what PostgreSQL
/// has stored in it.
enum LZ4 {
  /// - Parameter destination: exactly as long as the decompressed bytes.
  /// - Returns: whether `source` was used up and `destination` filled.
  static func decompress(_ source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawBufferPointer) -> Bool {
    var (from, to) = (0, 0)
    func length(_ nibble: UInt8) -> Int? {
      var length = Int(nibble)
      guard nibble == 15 else { return length }
      while true {
        guard from < source.count else { return nil }
        let byte = source[from]
        from += 1
        length += Int(byte)
        if byte != 255 { return length }
      }
    }
    while from < source.count {
      let token = source[from]
      from += 1
      guard let literals = length(token >> 4), literals <= source.count - from, literals <= destination.count - to
      else { return false }
      for _ in 0..<literals {
        destination[to] = source[from]
        (from, to) = (from + 1, to + 1)
      }
      // The last sequence ends with its literals.
      if from == source.count { break }
      guard from + 2 <= source.count else { return false }
      let distance = Int(source[from]) | Int(source[from + 1]) << 8
      from += 2
      guard let extra = length(token & 15), distance > 0, distance <= to, extra + 4 <= destination.count - to else {
        return false
      }
      for _ in 0..<extra + 4 {
        destination[to] = destination[to - distance]
        to += 1
      }
    }
    return to == destination.count
  }
}
