/// PostgreSQL's own compression (src/common/pg_lzcompress.c), in which `wal_compression=pglz` writes images: a byte of
/// eight flags, then for each flag a byte as it is, or two or three bytes that say how far back and how long to copy.
/// Long values are kept in it, too.
public enum PGLZ {
  /// - Parameter destination: exactly as long as the decompressed bytes.
  /// - Returns: whether `source` was used up and `destination` filled.
  public static func decompress(_ source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawBufferPointer) -> Bool
  {
    var (from, to) = (0, 0)
    while from < source.count, to < destination.count {
      var flags = source[from]
      from += 1
      for _ in 0..<8 where from < source.count && to < destination.count {
        if flags & 1 == 0 {
          destination[to] = source[from]
          (from, to) = (from + 1, to + 1)
        } else {
          guard from + 1 < source.count else { return false }
          var length = Int(source[from] & 0x0F) + 3
          let distance = Int(source[from] & 0xF0) << 4 | Int(source[from + 1])
          from += 2
          if length == 18 {
            guard from < source.count else { return false }
            length += Int(source[from])
            from += 1
          }
          guard distance > 0, distance <= to else { return false }
          // Source and destination may overlap: then what was just written is repeated.
          for _ in 0..<min(length, destination.count - to) {
            destination[to] = destination[to - distance]
            to += 1
          }
        }
        flags >>= 1
      }
    }
    return from == source.count && to == destination.count
  }
}
