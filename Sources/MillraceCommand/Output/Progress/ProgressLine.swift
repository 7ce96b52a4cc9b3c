/// What a progress bar knows at one moment.
struct ProgressSnapshot: Equatable {
  let label: String
  let bytesDone: Int
  /// Zero if nobody knows.
  let bytesTotal: Int
  /// Bytes per second, of late.
  let rate: Double
  /// Something to add, such as how much damage was found; empty for nothing.
  var note = ""

  /// The part that is done, from 0 to 1.
  var fraction: Double {
    bytesTotal > 0 ? min(1, max(0, Double(bytesDone) / Double(bytesTotal))) : 0
  }

  /// Seconds until the end at the present rate; nil if that cannot be said.
  var secondsLeft: Double? {
    guard bytesTotal > 0, rate > 0 else { return nil }
    return Double(max(0, bytesTotal - bytesDone)) / rate
  }
}

/// Draws progress as text. Pure: the same snapshot, width and characters always give the same line.
enum ProgressLine {
  /// A line of at most `width` columns:
  /// `verify   41 % [████████▌            ] 412 MiB of 1 GiB, 512 MiB/s, 0:01 left`.
  ///
  /// If the width does not suffice, first the bar goes, then the note, the rate, the time left and the amount.
  static func bar(_ snapshot: ProgressSnapshot, width: Int, isUnicode: Bool) -> String {
    let percent = snapshot.bytesTotal > 0 ? Format.percent(snapshot.bytesDone, of: snapshot.bytesTotal) : ""
    let padding = String(repeating: " ", count: percent.isEmpty ? 0 : 5 - percent.count)
    let head = [snapshot.label, padding + percent].filter { !$0.isEmpty }.joined(separator: " ")
    for details in candidates(snapshot) {
      let tail = details.joined(separator: ", ")
      let plain = [head, tail].filter { !$0.isEmpty }.joined(separator: " ")
      guard plain.count <= width else { continue }
      // Two brackets and the blank in front of them.
      let room = min(barCellsMax, width - plain.count - 3)
      guard room >= barCellsMin, snapshot.bytesTotal > 0 else { return plain }
      let bar = "[\(cells(snapshot.fraction, room, isUnicode))]"
      return [head, bar, tail].filter { !$0.isEmpty }.joined(separator: " ")
    }
    return String(head.prefix(max(0, width)))
  }

  /// A line for a log: `verify: 40 %, 412 MiB of 1 GiB, 512 MiB/s`.
  static func plain(_ snapshot: ProgressSnapshot) -> String {
    var parts = [amount(snapshot), Format.rate(bytesPerSecond: snapshot.rate)]
    if snapshot.bytesTotal > 0 { parts.insert(Format.percent(snapshot.bytesDone, of: snapshot.bytesTotal), at: 0) }
    if !snapshot.note.isEmpty { parts.append(snapshot.note) }
    return "\(snapshot.label): " + parts.joined(separator: ", ")
  }

  private static let barCellsMin = 10
  private static let barCellsMax = 40

  /// What stands behind the bar, from everything to nothing.
  private static func candidates(_ snapshot: ProgressSnapshot) -> [[String]] {
    let amount = amount(snapshot)
    let rate = Format.rate(bytesPerSecond: snapshot.rate)
    let left = snapshot.secondsLeft.map { Format.clock(seconds: $0) + " left" }
    let timed = [amount] + (left.map { [$0] } ?? [])
    let rated = [amount, rate] + (left.map { [$0] } ?? [])
    let noted = snapshot.note.isEmpty ? rated : rated + [snapshot.note]
    return [noted, rated, timed, [amount], []]
  }

  private static func amount(_ snapshot: ProgressSnapshot) -> String {
    let done = Format.bytes(snapshot.bytesDone)
    return snapshot.bytesTotal > 0 ? "\(done) of \(Format.bytes(snapshot.bytesTotal))" : done
  }

  /// The inside of the bar. Unicode has blocks of eighths of a cell.
  private static func cells(_ fraction: Double, _ count: Int, _ isUnicode: Bool) -> String {
    let eighths = Int(fraction * Double(count * 8))
    let full = eighths / 8
    guard isUnicode else {
      return String(repeating: "#", count: full) + String(repeating: ".", count: count - full)
    }
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    let bar = String(repeating: "█", count: full) + (full < count ? parts[eighths % 8] : "")
    return bar + String(repeating: " ", count: count - bar.count)
  }
}
