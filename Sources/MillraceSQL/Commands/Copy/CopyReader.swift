import MillraceTypes

/// Where COPY FROM's bytes come from: a client, or a file.
protocol CopyInput: AnyObject {
  /// The next piece; its bounds mean nothing. Valid until the next call. nil at the end.
  func next() throws(SQLError) -> ByteView?
}

/// Takes COPY's data apart into lines (CopyReadLine of PostgreSQL's commands/copyfromparse.c), and lines into fields.
final class CopyReader {
  private let input: any CopyInput
  private let options: CopyOptions
  private var piece = ByteView()
  private var position = 0
  /// A line that spans pieces.
  private var carried: [UInt8] = []
  private var isAtEnd = false
  private(set) var lineNumber = 0
  /// For fields with escapes, until the next line.
  private var arena = Arena(chunkSize: 16 * 1024)

  init(_ input: any CopyInput, _ options: CopyOptions) { (self.input, self.options) = (input, options) }

  // MARK: Lines

  /// The next line without its end; nil at the end of the data. Valid until the next call.
  func nextLine() throws(SQLError) -> ByteView? {
    carried.removeAll(keepingCapacity: true)
    arena.reset()
    var isQuoted = false
    while true {
      if position >= piece.count {
        if isAtEnd { return carried.isEmpty ? nil : finish(carriedLine()) }
        guard let next = try input.next() else {
          isAtEnd = true
          continue
        }
        (piece, position) = (next, 0)
        continue
      }
      let end = lineEnd(from: position, &isQuoted)
      guard let end else {
        carried.append(piece.from(position))
        position = piece.count
        continue
      }
      let part = piece[position..<end]
      position = end + 1
      guard carried.isEmpty else {
        carried.append(part)
        return finish(carriedLine())
      }
      return finish(part)
    }
  }

  private func carriedLine() -> ByteView { arena.copy(carried).bytes }

  /// Cuts a carriage return off, and notices the end marker.
  private func finish(_ line: ByteView) -> ByteView? {
    lineNumber += 1
    var line = line
    if line.count > 0, line[line.count - 1] == 13 { line = line.upTo(line.count - 1) }
    if line.count == 2, line[0] == 92, line[1] == 46, options.format == .text {
      isAtEnd = true
      (piece, position) = (ByteView(), 0)
      while let _ = try? input.next() {}
      return nil
    }
    return line
  }

  /// Where the line ends in the piece; nil where it goes on.
  private func lineEnd(from start: Int, _ isQuoted: inout Bool) -> Int? {
    if options.format == .csv { return csvLineEnd(from: start, &isQuoted) }
    var search = start
    while let found = piece.firstIndex(of: ByteView("\n"), from: search) {
      // A newline behind a backslash is data.
      var backslashes = 0
      var index = found - 1
      while index >= start, piece[index] == 92 {
        backslashes += 1
        index -= 1
      }
      if index < start {
        for byte in carried.reversed() {
          guard byte == 92 else { break }
          backslashes += 1
        }
      }
      if backslashes % 2 == 0 { return found }
      search = found + 1
    }
    return nil
  }

  private func csvLineEnd(from start: Int, _ isQuoted: inout Bool) -> Int? {
    let (quote, escape) = (options.quote, options.escape)
    var index = start
    while index < piece.count {
      let byte = piece[index]
      if isQuoted, byte == escape, escape != quote, index + 1 < piece.count {
        index += 2
        continue
      }
      if byte == quote { isQuoted.toggle() } else if byte == 10, !isQuoted { return index }
      index += 1
    }
    return nil
  }

  // MARK: Fields

  /// A field; nil bytes for NULL.
  struct Field {
    var bytes: ByteView?
    /// Whether it stood in quotes, so that it is no NULL.
    var isQuoted = false
  }

  /// Takes a line apart. - Parameter body: gets each field, and its place.
  func fields(of line: ByteView, into fields: inout [Field]) throws(SQLError) {
    fields.removeAll(keepingCapacity: true)
    if options.format == .csv { return try csvFields(of: line, &fields) }
    var start = 0
    let (delimiter, null) = (options.delimiter, options.null)
    while true {
      var end = start
      var hasEscapes = false
      while end < line.count, line[end] != delimiter {
        if line[end] == 92 {
          hasEscapes = true
          end += 1
        }
        end += 1
      }
      end = min(end, line.count)
      let raw = line[start..<end]
      if raw.count == null.count, raw.elementsEqual(null) {
        fields.append(Field(bytes: nil))
      } else {
        fields.append(Field(bytes: hasEscapes ? unescaped(raw) : raw))
      }
      if end >= line.count { return }
      start = end + 1
    }
  }

  private func unescaped(_ raw: ByteView) -> ByteView {
    arena.make { bytes in
      var index = 0
      while index < raw.count {
        let byte = raw[index]
        index += 1
        guard byte == 92, index < raw.count else {
          bytes.append(byte)
          continue
        }
        let next = raw[index]
        index += 1
        switch next {
        case UInt8(ascii: "b"): bytes.append(8)
        case UInt8(ascii: "f"): bytes.append(12)
        case UInt8(ascii: "n"): bytes.append(10)
        case UInt8(ascii: "r"): bytes.append(13)
        case UInt8(ascii: "t"): bytes.append(9)
        case UInt8(ascii: "v"): bytes.append(11)
        case 48...55: bytes.append(Self.number(raw, &index, next - 48, base: 8, most: 2))
        case UInt8(ascii: "x") where index < raw.count && Self.digit(raw[index], base: 16) != nil:
          bytes.append(Self.number(raw, &index, 0, base: 16, most: 2))
        default: bytes.append(next)
        }
      }
    }.bytes
  }

  private static func number(
    _ raw: ByteView, _ index: inout Int, _ first: UInt8, base: UInt8, most: Int
  ) -> UInt8 {
    var value = first
    var count = 0
    while count < most, index < raw.count, let digit = digit(raw[index], base: base) {
      value = value &* base &+ digit
      index += 1
      count += 1
    }
    return value
  }

  private static func digit(_ byte: UInt8, base: UInt8) -> UInt8? {
    let value: UInt8
    switch byte {
    case 48...57: value = byte - 48
    case 65...70: value = byte - 55
    case 97...102: value = byte - 87
    default: return nil
    }
    return value < base ? value : nil
  }

  private func csvFields(of line: ByteView, _ fields: inout [Field]) throws(SQLError) {
    let (delimiter, quote, escape) = (options.delimiter, options.quote, options.escape)
    var index = 0
    while true {
      let start = index
      // The usual field has no quotes and is taken as it stands.
      while index < line.count, line[index] != delimiter, line[index] != quote { index += 1 }
      if index >= line.count || line[index] == delimiter {
        let raw = line[start..<index]
        let isNull = raw.count == options.null.count && raw.elementsEqual(options.null)
        fields.append(Field(bytes: isNull ? nil : raw))
      } else {
        var isInQuotes = false
        var position = start
        let value = arena.make { bytes in
          while position < line.count {
            let byte = line[position]
            if isInQuotes, byte == escape, position + 1 < line.count,
              line[position + 1] == quote || line[position + 1] == escape
            {
              bytes.append(line[position + 1])
              position += 2
              continue
            }
            if byte == quote {
              isInQuotes.toggle()
            } else if byte == delimiter, !isInQuotes {
              break
            } else {
              bytes.append(byte)
            }
            position += 1
          }
        }
        if isInQuotes { throw SQLError(.badCopyFileFormat, "unterminated CSV quoted field") }
        index = position
        fields.append(Field(bytes: value.bytes, isQuoted: true))
      }
      if index >= line.count { return }
      index += 1
    }
  }

  // MARK: Binary data

  /// So many bytes; nil at the end of the data. Valid until the next call of ``nextRow()``.
  func bytes(_ count: Int) throws(SQLError) -> ByteView? {
    if position + count <= piece.count {
      defer { position += count }
      return arena.copy(piece[position..<position + count]).bytes
    }
    var collected = piece.from(min(position, piece.count)).array
    (piece, position) = (ByteView(), 0)
    while collected.count < count {
      guard let next = try input.next() else { return collected.isEmpty ? nil : try unexpectedEnd() }
      let missing = count - collected.count
      collected.append(next.upTo(min(missing, next.count)))
      (piece, position) = (next, min(missing, next.count))
    }
    return arena.copy(collected).bytes
  }

  private func unexpectedEnd() throws(SQLError) -> ByteView {
    throw SQLError(.badCopyFileFormat, "unexpected EOF in COPY data")
  }

  func nextRow() {
    arena.reset()
    lineNumber += 1
  }

  func integer<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type) throws(SQLError) -> Number? {
    guard let bytes = try bytes(MemoryLayout<Number>.size) else { return nil }
    return Number(bigEndian: bytes.load(at: 0))
  }
}
