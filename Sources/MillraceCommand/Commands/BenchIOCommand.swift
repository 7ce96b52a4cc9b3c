import ArgumentParser
import Foundation
import MillraceEngine
import MillraceIO
import MillraceSettings

struct BenchIOCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "io",
    abstract: "Measures reads or writes of one file, with many in flight.",
    discussion: """
      fio for this engine. Examples:

        millrace bench io --file /data/test --direct --io-depth 32
            random direct reads of 8 kB, 32 in flight, by the best method there is
        millrace bench io --file /data/test --io-method worker -c io_workers=4
            the same through the page cache, by four worker threads

      A file that does not exist is made, filled with --size bytes that do not compress, and removed afterwards. A \
      write pattern refuses a file that exists, unless --force.
      """)

  @Option(help: ArgumentHelp("The file or block device.", valueName: "path"))
  var file: String

  @Option(help: ArgumentHelp("How much of the file is used, or made.", valueName: "size"))
  var size = "1GiB"

  @Option(help: ArgumentHelp("randread, seqread, randwrite or seqwrite.", valueName: "pattern"))
  var pattern = "randread"

  @Option(help: ArgumentHelp("Size of one read or write.", valueName: "size"))
  var blockSize = "8kB"

  @Option(help: ArgumentHelp("How many are in flight.", valueName: "count"))
  var ioDepth = 32

  @Option(
    help: ArgumentHelp(
      "How many are submitted and waited for together; a quarter of the depth unless given.", valueName: "count"))
  var batch: Int?

  @Flag(help: "Bypass the page cache.")
  var direct = false

  @Option(help: ArgumentHelp("How long to measure.", valueName: "time"))
  var runtime = "5s"

  @Flag(help: "Share a ring as backends of a server do, instead of one of its own (io_uring).")
  var sharedRing = false

  @Flag(help: "Overwrite an existing file.")
  var force = false

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var engine: EngineOptions

  func run() throws {
    let (load, settings) = try checked()
    let target = try BenchFile(
      file, size: try ByteCount(parsing: size).bytes, forWriting: !load.pattern.isRead, force: force)
    guard target.size >= load.blockSize else {
      throw CommandError(
        "\"\(file)\" has \(target.size) bytes, less than one block of \(load.blockSize); give a smaller --block-size")
    }
    var configuration = IOConfiguration(tool: settings, backendsMax: 1)
    configuration.handlesPerBackend = load.ioDepth
    let engine = try IOEngine(configuration)
    let memory = try IOMemory(byteCount: load.ioDepth * load.blockSize)
    engine.register(memory)
    var options: IOFileOptions = load.pattern.isRead ? [] : [.write]
    if direct { options.insert(.direct) }
    let opened = try DescriptorFile.open(file, options, blockSize: load.blockSize)
    defer { engine.close(opened) }
    try checkAlignment(opened, load.blockSize)
    if !direct, !target.isOurs || load.pattern.isRead { try? opened.dropCache() }
    let backend = try engine.makeBackend("bench io", exclusive: !sharedRing)
    let result = try load.run(on: backend, opened, fileSize: target.size, memory: memory)
    backend.close()
    report(load, result, method: engine.methodKind)
  }

  private func checked() throws -> (FileLoad, Settings) {
    guard let pattern = FileLoad.Pattern(rawValue: pattern) else {
      throw CommandError("\"\(pattern)\" is not a pattern; use randread, seqread, randwrite or seqwrite")
    }
    guard (1...1024).contains(ioDepth) else {
      throw CommandError("--io-depth \(ioDepth) is outside the valid range (1 .. 1024)")
    }
    let batch = batch ?? max(1, ioDepth / 4)
    guard (1...ioDepth).contains(batch) else {
      throw CommandError("--batch \(batch) is outside the valid range (1 .. \(ioDepth), the depth)")
    }
    let blockSize = try ByteCount(parsing: blockSize).bytes
    guard (512...(1 << 30)).contains(blockSize), blockSize % 512 == 0 else {
      throw CommandError("--block-size \(self.blockSize) is not a multiple of 512 from 512 to 1GiB")
    }
    let seconds = try TimeSpan(parsing: runtime).seconds
    guard seconds > 0 else { throw CommandError("--runtime \(runtime) is not longer than nothing") }
    let load = FileLoad(
      pattern: pattern, blockSize: blockSize, ioDepth: ioDepth, batch: batch, runtime: seconds,
      seed: monotonicSeed())
    return (load, try engine.settings())
  }

  private func monotonicSeed() -> UInt64 { UInt64(Date.now.timeIntervalSince1970 * 1e6) }

  private func checkAlignment(_ file: IOFile, _ blockSize: Int) throws {
    guard blockSize % file.alignment.offset == 0 else {
      throw CommandError(
        "direct I/O on \"\(file.path)\" needs multiples of \(file.alignment.offset) bytes; --block-size is \(blockSize)"
      )
    }
  }

  private struct Report: Encodable {
    struct Latencies: Encodable {
      let p50, p95, p99, p999, max: Double
    }
    let ioMethod: String
    let direct: Bool
    let pattern: String
    let blockSize, ioDepth, batch, ops, bytes: Int
    let seconds, iops, mibPerS, cpuSeconds, cpuUsPerOp: Double
    let submitCalls: Int
    let latencyUs: Latencies
  }

  private func report(_ load: FileLoad, _ result: FileLoad.Result, method: IOMethodKind) {
    let iops = Double(result.operations) / result.seconds
    let perSecond = Double(result.bytes) / result.seconds
    let cpuPerOperation = result.cpuSeconds * 1e6 / Double(max(result.operations, 1))
    func microseconds(_ position: Int) -> Double { Double(result.latencies[position].nanoseconds) / 1000 }
    if json {
      Output.json(
        Report(
          ioMethod: method.rawValue, direct: direct, pattern: load.pattern.rawValue, blockSize: load.blockSize,
          ioDepth: load.ioDepth, batch: load.batch, ops: result.operations, bytes: result.bytes,
          seconds: result.seconds, iops: iops, mibPerS: perSecond / 1_048_576, cpuSeconds: result.cpuSeconds,
          cpuUsPerOp: cpuPerOperation, submitCalls: result.submitCalls,
          latencyUs: Report.Latencies(
            p50: microseconds(0), p95: microseconds(1), p99: microseconds(2), p999: microseconds(3),
            max: Double(result.latencyMaximum) / 1000)))
      return
    }
    let kind = "\(load.pattern.rawValue) of \(Format.bytes(load.blockSize)), \(direct ? "direct" : "buffered")"
    Output.line("\(kind), \(load.ioDepth) in flight, io_method=\(method)")
    Output.line(
      "  \(Format.operationsPerSecond(iops)) IOPS, \(Format.rate(bytesPerSecond: perSecond)),"
        + " \(Format.latency(microseconds: cpuPerOperation)) of CPU per operation")
    let names = ["p50", "p95", "p99", "p99.9"]
    let latencies = zip(names, result.latencies).map {
      "\($0) \(Format.latency(microseconds: Double($1.nanoseconds) / 1000))"
    }
    Output.line(
      "  latency \(latencies.joined(separator: ", ")),"
        + " max \(Format.latency(microseconds: Double(result.latencyMaximum) / 1000))")
    Output.line(
      "  \(Format.count(result.operations)) operations in \(Format.fixed(result.seconds, 1)) s,"
        + " \(Format.count(result.submitCalls)) submissions")
  }
}

extension Output {
  /// A result as one JSON object on a line, keys in snake case and sorted.
  static func json(_ value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { fatalError("invariant broken: a report cannot be encoded") }
    line(String(decoding: data, as: UTF8.self))
  }
}
