extension PGLZ {
  /// The farthest that a match may lie back, and the longest that it may be.
  private static let distanceMax = 4095
  private static let lengthMax = 273
  /// Shorter inputs are left as they are.
  private static let inputMin = 32
  /// Without a match in so many bytes the rest is not tried.
  private static let firstSuccessBy = 1024
  /// Earlier places of the same three bytes that are tried, and a length that is good enough to stop.
  private static let chainMax = 32
  private static let goodLength = 128

  /// Compresses, as PostgreSQL's `pglz_compress` does with its default strategy: the format is the same, the choice
  /// among equally valid matches need not be.
  /// - Parameter output: gets the compressed bytes at its end.
  /// - Returns: whether at least a quarter was saved; if not, `output` is as it was.
  public static func compress(_ source: UnsafeRawBufferPointer, to output: inout [UInt8]) -> Bool {
    let count = source.count
    guard count >= inputMin else { return false }
    let start = output.count
    let limit = start + count / 4 * 3
    var history = History(count)
    var (position, flagPlace, flagBit) = (0, 0, 8)
    var hasMatch = false
    while position < count {
      if flagBit == 8 {
        (flagPlace, flagBit) = (output.count, 0)
        output.append(0)
      }
      guard output.count < limit, hasMatch || position < firstSuccessBy else {
        output.removeSubrange(start...)
        return false
      }
      let match = history.longestMatch(source, at: position)
      if match.length > 2 {
        output[flagPlace] |= 1 << UInt8(flagBit)
        append(match, to: &output)
        for place in position..<position + match.length { history.add(source, at: place) }
        position += match.length
        hasMatch = true
      } else {
        output.append(source[position])
        history.add(source, at: position)
        position += 1
      }
      flagBit += 1
    }
    guard output.count <= limit else {
      output.removeSubrange(start...)
      return false
    }
    return true
  }

  private static func append(_ match: (distance: Int, length: Int), to output: inout [UInt8]) {
    let high = UInt8(match.distance >> 4 & 0xF0)
    let low = UInt8(truncatingIfNeeded: match.distance)
    if match.length > 17 {
      output.append(high | 0x0F)
      output.append(low)
      output.append(UInt8(match.length - 18))
    } else {
      output.append(high | UInt8(match.length - 3))
      output.append(low)
    }
  }

  /// Where three bytes have occurred before: chains of places, the latest first.
  private struct History {
    private var latest: [Int32]
    private var previous: [Int32]
    private let mask: Int

    init(_ count: Int) {
      var size = 512
      while size < min(count, 8192) { size *= 2 }
      mask = size - 1
      latest = Array(repeating: -1, count: size)
      // Places farther back than a match may lie are overwritten.
      previous = Array(repeating: -1, count: 4096)
    }

    private func slot(_ source: UnsafeRawBufferPointer, _ place: Int) -> Int {
      (Int(source[place]) << 10 ^ Int(source[place + 1]) << 5 ^ Int(source[place + 2])) & mask
    }

    mutating func add(_ source: UnsafeRawBufferPointer, at place: Int) {
      guard place + 2 < source.count else { return }
      let slot = slot(source, place)
      previous[place & 4095] = latest[slot]
      latest[slot] = Int32(place)
    }

    func longestMatch(_ source: UnsafeRawBufferPointer, at place: Int) -> (distance: Int, length: Int) {
      guard place + 2 < source.count else { return (0, 0) }
      var best = (distance: 0, length: 0)
      var candidate = Int(latest[slot(source, place)])
      let longest = min(PGLZ.lengthMax, source.count - place)
      for _ in 0..<PGLZ.chainMax {
        guard candidate >= 0, place - candidate <= PGLZ.distanceMax else { break }
        var length = 0
        while length < longest, source[candidate + length] == source[place + length] { length += 1 }
        if length > best.length {
          best = (place - candidate, length)
          if length >= PGLZ.goodLength || length == longest { break }
        }
        let next = Int(previous[candidate & 4095])
        guard next < candidate else { break }
        candidate = next
      }
      return best
    }
  }
}
