import Glibc
import MillraceIO
import MillraceStorage

/// How WAL is made durable on a volume, after `auto` has decided.
///
/// `auto` measures on the volume itself what a commit costs by each of two ways, a write and `fdatasync`, and one
/// direct write that is durable when it completes (O_DIRECT and O_DSYNC: a disk does it in one request, FUA). Which is
/// faster depends on the disk: one whose cache is safe answers a flush at once, one without FUA needs a flush for
/// either. The result is remembered in a small file beside the segments, so that a volume is measured once.
struct SyncMethodChoice: Equatable {
  let method: WALSyncMethod
  /// How segments are opened for writing, beside `.write`.
  let segmentOptions: IOFileOptions
  /// Why, where `auto` has chosen.
  let reason: String?

  private init(_ method: WALSyncMethod, isDirect: Bool, isFsyncEnabled: Bool, reason: String? = nil) {
    (self.method, self.reason) = (method, reason)
    var options: IOFileOptions = isDirect ? .direct : []
    if isFsyncEnabled {
      if method == .openSync { options.insert(.sync) }
      if method == .openDatasync { options.insert(.dataSync) }
    }
    segmentOptions = options
  }

  static func resolve(_ configuration: WALConfiguration, backend: IOBackend) throws(WALError) -> SyncMethodChoice {
    guard configuration.syncMethod == .auto, configuration.isFsyncEnabled else {
      return SyncMethodChoice(
        configuration.syncMethod == .auto ? .fdatasync : configuration.syncMethod, isDirect: configuration.isDirect,
        isFsyncEnabled: configuration.isFsyncEnabled)
    }
    var measurement: SyncMethodMeasurement
    var when = "measured now"
    do throws(IOError) {
      let volume = try SyncMethodMeasurement.volume(configuration)
      if let remembered = SyncMethodMeasurement.read(configuration), remembered.volume == volume {
        measurement = remembered
        when = "measured earlier on this volume"
      } else {
        measurement = try SyncMethodMeasurement(measuring: configuration, volume: volume, backend: backend)
        try measurement.write(configuration)
      }
    } catch {
      throw WALError(error)
    }
    let isDirect = configuration.isDirect || measurement.winner == .openDatasync
    return SyncMethodChoice(
      measurement.winner, isDirect: isDirect, isFsyncEnabled: configuration.isFsyncEnabled,
      reason: "\(measurement.reason), \(when)")
  }
}

/// What a commit costs by each way, and on which volume.
struct SyncMethodMeasurement: Equatable {
  /// Names the volume, so that a copy of a cluster elsewhere is measured again.
  let volume: String
  /// Microseconds of one write of a page and `fdatasync`: the median.
  let fdatasync: Double
  /// Microseconds of one direct, durable write of a page; nil where the file system has no direct I/O.
  let openDatasync: Double?

  static let fileName = "millrace_sync_method"
  /// Rounds at most, and nanoseconds for all of them.
  private static let roundsMax = 64
  private static let timeMax: UInt64 = 300_000_000

  init(volume: String, fdatasync: Double, openDatasync: Double?) {
    (self.volume, self.fdatasync, self.openDatasync) = (volume, fdatasync, openDatasync)
  }

  /// A tie goes to what every disk does well.
  var winner: WALSyncMethod {
    guard let openDatasync, openDatasync < fdatasync else { return .fdatasync }
    return .openDatasync
  }

  var reason: String {
    let flush = "write and fdatasync take \(Self.number(fdatasync)) µs"
    guard let openDatasync else { return "\(flush), and there is no direct I/O" }
    return "a direct durable write takes \(Self.number(openDatasync)) µs, \(flush)"
  }

  private static func number(_ value: Double) -> String { String(Int(value.rounded())) }

  // MARK: Measuring

  /// Measures both ways in turns, so that what else the disk does hits both.
  init(measuring configuration: WALConfiguration, volume: String, backend: IOBackend) throws(IOError) {
    let path = "\(configuration.directory)/\(Self.fileName).test"
    let memory = try IOMemory(byteCount: 16 * WALLayout.pageSize, hugePages: .off)
    let fileSystem = configuration.fileSystem
    let buffered = try fileSystem.open(path, [.write, .create, .truncate])
    var direct: IOFile?
    defer {
      backend.engine.close(buffered, by: backend)
      if let direct { backend.engine.close(direct, by: backend) }
      try? fileSystem.remove(path)
    }
    try backend.write(buffered, at: 0, memory.bytes)
    try backend.synchronize(buffered)
    do throws(IOError) {
      direct = try fileSystem.open(path, [.write, .direct, .dataSync])
    } catch {
      guard error.code == .directIOUnavailable else { throw error }
    }

    let page = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<WALLayout.pageSize])
    var times: (flush: [UInt64], durable: [UInt64]) = ([], [])
    let began = monotonicNanoseconds()
    for round in 0..<Self.roundsMax {
      let offset = Int64(round % 16 * WALLayout.pageSize)
      let start = monotonicNanoseconds()
      if start - began > Self.timeMax, round >= 8 { break }
      try backend.write(buffered, at: offset, page)
      try backend.synchronize(buffered, dataOnly: true)
      times.flush.append(monotonicNanoseconds() - start)
      guard let direct else { continue }
      let between = monotonicNanoseconds()
      try backend.write(direct, at: offset, page)
      times.durable.append(monotonicNanoseconds() - between)
    }
    self.init(
      volume: volume, fdatasync: Self.median(times.flush),
      openDatasync: direct == nil ? nil : Self.median(times.durable))
  }

  private static func median(_ times: [UInt64]) -> Double {
    Double(times.sorted()[times.count / 2]) / 1000
  }

  /// Names the volume that a directory is on.
  static func volume(_ configuration: WALConfiguration) throws(IOError) -> String {
    let path = "\(configuration.directory)/\(fileName).test"
    let file = try configuration.fileSystem.open(path, [.write, .create])
    defer {
      file.close()
      try? configuration.fileSystem.remove(path)
    }
    guard file.descriptor >= 0 else { return "simulated" }
    var status = stat()
    guard fstat(file.descriptor, &status) == 0 else {
      throw IOError(.systemCall, errno: errno, message: "could not stat file \"\(path)\"")
    }
    return "device \(status.st_dev)"
  }

  // MARK: Remembering

  /// The lines of the file.
  var text: String {
    """
    # What a commit costs on this volume, microseconds, as wal_sync_method=auto has measured it.
    # Remove this file to have it measured again.
    volume = \(volume)
    fdatasync = \(fdatasync)
    open_datasync = \(openDatasync.map { "\($0)" } ?? "unavailable")

    """
  }

  init?(text: String) {
    var fields: [String: String] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let parts = line.split(separator: "=", maxSplits: 1).map { part in
        String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
      }
      if parts.count == 2 { fields[parts[0]] = parts[1] }
    }
    guard let volume = fields["volume"], let flush = fields["fdatasync"].flatMap(Double.init),
      let durable = fields["open_datasync"], durable == "unavailable" || Double(durable) != nil
    else { return nil }
    self.init(volume: volume, fdatasync: flush, openDatasync: Double(durable))
  }

  /// What was remembered; nil where nothing was, or it cannot be read.
  static func read(_ configuration: WALConfiguration) -> SyncMethodMeasurement? {
    guard let bytes = try? configuration.fileSystem.readAll("\(configuration.directory)/\(fileName)") else {
      return nil
    }
    return SyncMethodMeasurement(text: String(decoding: bytes, as: UTF8.self))
  }

  func write(_ configuration: WALConfiguration) throws(IOError) {
    try configuration.fileSystem.writeDurably("\(configuration.directory)/\(Self.fileName)", Array(text.utf8))
  }
}
