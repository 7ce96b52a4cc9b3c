import MillraceTypes

/// Where COPY FROM's bytes come from: a client, or a file.
protocol CopyInput: AnyObject {
  /// The next piece; its bounds mean nothing. Valid until the next call. nil at the end.
  func next() throws(SQLError) -> ByteView?
}

/// Takes COPY's data apart into lines (CopyReadLine of PostgreSQL's commands/copyfromparse.c), and lines into fields.
///
/// Lines and fields are found by `memchr`, and are views of the data as long as they lie in one piece and have nothing
/// in them that stands for something else.
final class CopyReader {
  private let input: any CopyInput
  private let isCSV: Bool
  let delimiter, quote, escape: UInt8
  let null: [UInt8]
  private var piece = ByteView()
  private var position = 0
  /// Whether the piece is nothing but ASCII, and so needs no further look.
  private var isPieceASCII = true
  /// A line that spans pieces.
  private var carried: [UInt8] = []
  private var isAtEnd = false
  /// Whether the whole of the present row of binary data lies in the piece.
  private var isRowWhole = false
  private(set) var lineNumber = 0
  /// Whether the present line is known to be ASCII.
  private(set) var isLineASCII = false
  /// For fields with escapes, until the next line.
  let arena = Arena(chunkSize: 16 * 1024)
  /// The fields of the line that was taken apart last.
  let fields: UnsafeMutablePointer<Field>
  private let fieldsMax: Int

  /// - Parameter fieldsMax: how many fields are kept.
  init(_ input: any CopyInput, _ options: CopyOptions, fieldsMax: Int) {
    self.input = input
    isCSV = options.format == .csv
    (delimiter, quote, escape, null) = (options.delimiter, options.quote, options.escape, options.null)
    self.fieldsMax = max(fieldsMax, 1)
    fields = .allocate(capacity: self.fieldsMax)
    fields.initialize(repeating: Field(), count: self.fieldsMax)
  }

  deinit { fields.deallocate() }

  /// Goes on to the next piece. - Returns: false at the end.
  private func nextPiece() throws(SQLError) -> Bool {
    guard let next = try input.next() else { return false }
    (piece, position) = (next, 0)
    isPieceASCII = next.isPlainASCII
    return true
  }

  // MARK: Lines

  /// The next line without its end; nil at the end of the data. Valid until the next call.
  func nextLine() throws(SQLError) -> ByteView? {
    if !carried.isEmpty { carried.removeAll(keepingCapacity: true) }
    arena.reset()
    var quoting = Quoting()
    while true {
      if position >= piece.count {
        if isAtEnd { return carried.isEmpty ? nil : finishCarried() }
        if try !nextPiece() { isAtEnd = true }
        continue
      }
      guard let end = isCSV ? csvLineEnd(from: position, &quoting) : lineEnd(from: position) else {
        carried.append(piece.from(position))
        position = piece.count
        continue
      }
      let part = piece[position..<end]
      position = end + 1
      if carried.isEmpty {
        isLineASCII = isPieceASCII
        return finish(part)
      }
      carried.append(part)
      return finishCarried()
    }
  }

  private func finishCarried() -> ByteView? {
    isLineASCII = false
    return finish(arena.copy(carried).bytes)
  }

  /// Cuts a carriage return off, and notices the end marker.
  private func finish(_ line: ByteView) -> ByteView? {
    lineNumber += 1
    var line = line
    if line.count > 0, line[line.count - 1] == 13 { line = line.upTo(line.count - 1) }
    if line.count == 2, line[0] == 92, line[1] == 46, !isCSV {
      isAtEnd = true
      (piece, position) = (ByteView(), 0)
      while let _ = try? input.next() {}
      return nil
    }
    return line
  }

  /// Where the line ends in the piece; nil where it goes on.
  private func lineEnd(from start: Int) -> Int? {
    var search = start
    while let found = piece.firstIndex(of: 10, from: search) {
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

  /// Where in a line of CSV its end is looked for.
  private struct Quoting {
    var isInQuotes = false
    /// Whether the byte before makes the next one data.
    var isEscaped = false
  }

  private func csvLineEnd(from start: Int, _ quoting: inout Quoting) -> Int? {
    let end = piece.firstIndex(of: 10, from: start)
    // The usual line has no quotes.
    let stop = end ?? piece.count
    if !quoting.isInQuotes, piece[start..<stop].firstIndex(of: quote, from: 0) == nil { return end }
    var index = start
    while index < piece.count {
      let byte = piece[index]
      if quoting.isEscaped {
        quoting.isEscaped = false
      } else if quoting.isInQuotes, byte == escape, escape != quote {
        quoting.isEscaped = true
      } else if byte == quote {
        quoting.isInQuotes.toggle()
      } else if byte == 10 {
        if !quoting.isInQuotes { return index }
        // A line of the file, if not a row.
        lineNumber += 1
      }
      index += 1
    }
    return nil
  }

  // MARK: Fields

  /// A field of a line.
  struct Field {
    var bytes = ByteView()
    var isNull = false
    /// Whether it stood in quotes, so that it is no NULL.
    var isQuoted = false
  }

  /// Takes a line apart into ``fields``. - Returns: how many it has; not all of them need be kept.
  func split(_ line: ByteView) throws(SQLError) -> Int {
    if isCSV {
      if line.firstIndex(of: quote, from: 0) != nil { return try splitQuoted(line) }
      return splitPlain(line)
    }
    return line.firstIndex(of: 92, from: 0) == nil ? splitPlain(line) : try splitEscaped(line)
  }

  @inline(__always) private func keep(_ field: Field, _ count: inout Int) {
    if count < fieldsMax { fields[count] = field }
    count += 1
  }

  private func isNull(_ raw: ByteView) -> Bool {
    raw.count == null.count && null.withByteView { $0.isEqual(raw) }
  }

  /// The usual line: nothing in it stands for something else.
  private func splitPlain(_ line: ByteView) -> Int {
    var (count, start) = (0, 0)
    while true {
      let end = line.firstIndex(of: delimiter, from: start)
      let raw = line[start..<(end ?? line.count)]
      keep(Field(bytes: raw, isNull: isNull(raw)), &count)
      guard let end else { return count }
      start = end + 1
    }
  }

  private func splitEscaped(_ line: ByteView) throws(SQLError) -> Int {
    var (count, start) = (0, 0)
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
      if isNull(raw) {
        keep(Field(bytes: raw, isNull: true), &count)
      } else {
        keep(Field(bytes: hasEscapes ? try unescaped(raw) : raw), &count)
      }
      if end >= line.count { return count }
      start = end + 1
    }
  }

  private func unescaped(_ raw: ByteView) throws(SQLError) -> ByteView {
    var mayBreakEncoding = false
    let value = arena.make { bytes in
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
        var made = next
        switch next {
        case UInt8(ascii: "b"): made = 8
        case UInt8(ascii: "f"): made = 12
        case UInt8(ascii: "n"): made = 10
        case UInt8(ascii: "r"): made = 13
        case UInt8(ascii: "t"): made = 9
        case UInt8(ascii: "v"): made = 11
        case 48...55: made = Self.number(raw, &index, next - 48, base: 8, most: 2)
        case UInt8(ascii: "x") where index < raw.count && Self.digit(raw[index], base: 16) != nil:
          made = Self.number(raw, &index, 0, base: 16, most: 2)
        default: break
        }
        if made != next, made == 0 || made >= 128 { mayBreakEncoding = true }
        bytes.append(made)
      }
    }.bytes
    if mayBreakEncoding {
      do throws(TypeError) { try UTF8Encoding.validate(value) } catch { throw SQLError(error) }
    }
    return value
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

  private func splitQuoted(_ line: ByteView) throws(SQLError) -> Int {
    var (count, index) = (0, 0)
    while true {
      let start = index
      while index < line.count, line[index] != delimiter, line[index] != quote { index += 1 }
      if index >= line.count || line[index] == delimiter {
        let raw = line[start..<index]
        keep(Field(bytes: raw, isNull: isNull(raw)), &count)
      } else {
        let value = try quoted(line, from: start, end: &index)
        keep(Field(bytes: value, isQuoted: true), &count)
      }
      if index >= line.count { return count }
      index += 1
    }
  }

  /// The value of a field with quotes in it, and where it ends.
  private func quoted(_ line: ByteView, from start: Int, end: inout Int) throws(SQLError) -> ByteView {
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
    end = position
    return value.bytes
  }

  // MARK: Binary data

  /// So many bytes; nil at the end of the data. Valid until the next row.
  func bytes(_ count: Int) throws(SQLError) -> ByteView? {
    if position + count <= piece.count {
      defer { position += count }
      let view = piece[position..<position + count]
      return isRowWhole ? view : arena.copy(view).bytes
    }
    var collected = piece.from(min(position, piece.count)).array
    (piece, position) = (ByteView(), 0)
    while collected.count < count {
      guard try nextPiece() else { return collected.isEmpty ? nil : try unexpectedEnd() }
      let missing = min(count - collected.count, piece.count)
      collected.append(piece.upTo(missing))
      position = missing
    }
    return arena.copy(collected).bytes
  }

  private func unexpectedEnd() throws(SQLError) -> ByteView {
    throw SQLError(.badCopyFileFormat, "unexpected EOF in COPY data")
  }

  /// Begins a row of so many fields.
  func nextRow(fields: Int) {
    arena.reset()
    lineNumber += 1
    isRowWhole = hasWholeRow(fields)
  }

  /// Whether a row's fields lie in the piece, so that none of them need be copied before the next piece is read.
  private func hasWholeRow(_ fields: Int) -> Bool {
    var offset = position + 2
    for _ in 0..<fields {
      guard offset + 4 <= piece.count else { return false }
      let length = Int(Int32(bigEndian: piece.load(at: offset)))
      offset += 4 + max(length, 0)
    }
    return offset <= piece.count
  }

  func integer<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type) throws(SQLError) -> Number? {
    let size = MemoryLayout<Number>.size
    if position + size <= piece.count {
      defer { position += size }
      return Number(bigEndian: piece.load(at: position))
    }
    guard let bytes = try bytes(size) else { return nil }
    return Number(bigEndian: bytes.load(at: 0))
  }
}
