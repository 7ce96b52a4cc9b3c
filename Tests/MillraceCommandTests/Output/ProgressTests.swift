import Foundation
import Testing

@testable import MillraceCommand

@Suite("Progress")
struct ProgressTests {
  private func snapshot(
    _ done: Int, of total: Int = 1 << 30, rate: Double = 512 * 1_048_576, note: String = ""
  ) -> ProgressSnapshot {
    ProgressSnapshot(label: "verify", bytesDone: done, bytesTotal: total, rate: rate, note: note)
  }

  @Test("the whole line")
  func wide() {
    let line = ProgressLine.bar(snapshot(432_013_312, note: "2 damaged"), width: 120, isUnicode: true)
    #expect(
      line == "verify  40 % [████████████████                        ] "
        + "412 MiB of 1 GiB, 512 MiB/s, 0:01 left, 2 damaged")
    let ascii = ProgressLine.bar(snapshot(1 << 29), width: 79, isUnicode: false)
    #expect(ascii == "verify  50 % [############.............] 512 MiB of 1 GiB, 512 MiB/s, 0:01 left")
  }

  @Test("eighths of a cell")
  func eighths() {
    func bar(_ done: Int) -> String {
      String(ProgressLine.bar(snapshot(done, of: 320, rate: 0), width: 300, isUnicode: true).dropFirst(14).prefix(40))
    }
    #expect(bar(0) == String(repeating: " ", count: 40))
    #expect(bar(1).first == "▏")
    #expect(bar(7).first == "▉")
    #expect(bar(8).first == "█")
    #expect(bar(320) == String(repeating: "█", count: 40))
  }

  @Test("no width is overrun, and the amount of detail falls with it")
  func narrow() {
    var lengths: [Int] = []
    for width in 0...200 {
      for done in [0, 1, 1 << 29, (1 << 30) - 1, 1 << 30, 2 << 30] {
        for isUnicode in [false, true] {
          let line = ProgressLine.bar(snapshot(done, note: "12 damaged"), width: width, isUnicode: isUnicode)
          #expect(line.count <= width, "width \(width): \(line)")
          if done == 1 << 29 && isUnicode { lengths.append(line.count) }
        }
      }
    }
    #expect(ProgressLine.bar(snapshot(1 << 29), width: 12, isUnicode: true) == "verify  50 %")
    #expect(ProgressLine.bar(snapshot(1 << 29), width: 30, isUnicode: true) == "verify  50 % 512 MiB of 1 GiB")
    #expect(lengths[200] > lengths[60])
  }

  @Test("without a total there is no bar, no percentage and no time left")
  func unknownTotal() {
    #expect(
      ProgressLine.bar(snapshot(1 << 20, of: 0), width: 100, isUnicode: true) == "verify 1 MiB, 512 MiB/s")
    #expect(ProgressLine.plain(snapshot(1 << 20, of: 0)) == "verify: 1 MiB, 512 MiB/s")
  }

  @Test("standing still, the time left is not known")
  func stalled() {
    let line = ProgressLine.bar(snapshot(1 << 29, rate: 0), width: 100, isUnicode: true)
    #expect(line.hasSuffix("512 MiB of 1 GiB, 0 MiB/s"))
  }

  @Test("lines for a log")
  func plain() {
    #expect(
      ProgressLine.plain(snapshot(432_013_312, note: "2 damaged"))
        == "verify: 40 %, 412 MiB of 1 GiB, 512 MiB/s, 2 damaged")
  }

  @Test("each tenth is told once, skipped ones are not, and one byte short is not a tenth")
  func tenths() {
    var counter = TenthCounter()
    let told = (0...1000).filter { counter.reachesNext($0, of: 1000) }
    #expect(told == [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000])
    var jumping = TenthCounter()
    let steps = [(99_999_999_999, 1_000_000_000_000), (550, 1000), (599, 1000), (2000, 1000), (0, 0)]
    #expect(steps.map { jumping.reachesNext($0.0, of: $0.1) } == [false, true, false, true, false])
  }

  @Test("the rate starts at what it is, follows changes, and does not depend on how often it is asked")
  func rate() {
    var estimator = RateEstimator()
    estimator.observe(bytesDone: 0, seconds: 0)
    #expect(estimator.rate == 0)
    estimator.observe(bytesDone: 100, seconds: 1)
    #expect(estimator.rate == 100)
    estimator.observe(bytesDone: 150, seconds: 1)
    #expect(estimator.rate == 100)
    var often = estimator
    var seldom = estimator
    for step in 1...60 { often.observe(bytesDone: 100, seconds: 1 + Double(step) / 10) }
    seldom.observe(bytesDone: 100, seconds: 7)
    #expect(abs(often.rate - seldom.rate) < 1e-9)
    #expect(often.rate < 15)
  }

  @Test("a terminal gets a bar, a log gets lines if asked, and --no-progress gets nothing")
  func style() {
    #expect(ProgressStyle.choose(flag: nil, isTerminal: true) == .bar)
    #expect(ProgressStyle.choose(flag: true, isTerminal: true) == .bar)
    #expect(ProgressStyle.choose(flag: nil, isTerminal: false) == .silent)
    #expect(ProgressStyle.choose(flag: true, isTerminal: false) == .lines)
    #expect(ProgressStyle.choose(flag: false, isTerminal: true) == .silent)
    #expect(ProgressStyle.choose(flag: false, isTerminal: false) == .silent)
  }

  @Test("the first locale variable that is set decides about Unicode")
  func locale() {
    #expect(TerminalLine.isUnicode(environment: ["LANG": "de_DE.UTF-8"]))
    #expect(TerminalLine.isUnicode(environment: ["LC_ALL": "C.utf8", "LANG": "C"]))
    #expect(TerminalLine.isUnicode(environment: ["LC_ALL": "", "LANG": "C.UTF-8"]))
    #expect(!TerminalLine.isUnicode(environment: ["LC_ALL": "C", "LANG": "de_DE.UTF-8"]))
    #expect(!TerminalLine.isUnicode(environment: [:]))
  }

  @Test("many threads count without losing any, and the last line of a log is the whole")
  func counting() throws {
    var descriptors: [Int32] = [0, 0]
    try #require(pipe(&descriptors) == 0)
    let channel = OutputChannel(descriptor: descriptors[1])
    let writer = OutputWriter(standardOutput: channel, standardError: channel) { _ in }
    let progress = ProgressBar("count", bytesTotal: 4 * 10_000 * 8192, style: .lines, writer: writer)
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<10_000 { progress.add(8192) }
    }
    progress.setNote("done")
    #expect(progress.snapshot(rate: 0).bytesDone == 4 * 10_000 * 8192)
    progress.finish()
    progress.finish()
    close(descriptors[1])
    let text = String(
      decoding: FileHandle(fileDescriptor: descriptors[0], closeOnDealloc: true).readDataToEndOfFile(), as: UTF8.self)
    let last = try #require(text.split(separator: "\n").last)
    #expect(last.hasPrefix("count: 100 %, 313 MiB of 313 MiB, "))
    #expect(last.hasSuffix(", done"))
  }
}
