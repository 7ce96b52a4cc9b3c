@testable import MillraceCommand

/// A report with made-up numbers, to test the page as a whole and, with MILLRACE_SAMPLE_REPORT=FILE, to look at it.
enum SampleReport {
  private static func group(_ name: String, _ buffered: Double, _ direct: Double) -> BarChart.Group {
    .init(
      name,
      [
        .init("buffered", buffered, spread: buffered * 0.96...buffered * 1.03),
        .init("direct", direct, spread: direct * 0.97...direct * 1.05),
      ])
  }

  private static let cold = BarChart(
    "Cold: nothing of the file is cached", .mebibytesPerSecond,
    groups: [
      group("sync", 612, 388), group("worker", 1840, 2264), group("io_uring", 1912, 2410),
      .init("posix_aio", [.init("buffered", 955), .init("direct", missing: "refused by the file system")]),
    ])

  private static let warm = BarChart(
    "Warm: all of the file is cached", .mebibytesPerSecond,
    groups: [
      group("sync", 6120, 391), group("worker", 6010, 2288), group("io_uring", 6230, 2395),
      group("posix_aio", 5480, 1120),
    ])

  private static let latencies = LineChart.latencies(
    "Latency of 8 KiB random reads, 32 in flight, direct",
    [
      .init("worker", [(50, 168), (90, 241), (95, 290), (99, 512), (99.9, 1830), (100, 6120)]),
      .init("io_uring", [(50, 121), (90, 166), (95, 187), (99, 301), (99.9, 940), (100, 4480)]),
      .init("posix_aio", [(50, 402), (90, 640), (95, 712), (99, 1190), (99.9, 3900), (100, 9800)]),
      .init("sync", [(50, 36), (90, 51), (95, 58), (99, 94), (99.9, 420), (100, 3900)]),
    ])

  private static let table = ReportTable(
    "Sequential scan of a relation of 512 MiB, median of five runs",
    [.text("method"), .text("file access"), .number("cold"), .number("warm"), .number("CPU per MiB"), .number("I/Os")],
    rows: [
      ["sync", "buffered", "612 MiB/s", "6,120 MiB/s", "182 µs", "4,096"],
      ["sync", "direct", "388 MiB/s", "391 MiB/s", "96.1 µs", "4,096"],
      ["worker", "buffered", "1,840 MiB/s", "6,010 MiB/s", "211 µs", "4,096"],
      ["worker", "direct", "2,264 MiB/s", "2,288 MiB/s", "119 µs", "4,096"],
      ["io_uring", "buffered", "1,912 MiB/s", "6,230 MiB/s", "178 µs", "4,096"],
      ["io_uring", "direct", "2,410 MiB/s", "2,395 MiB/s", "71.3 µs", "4,096"],
    ])

  static let page = ReportPage(
    title: "Reading a relation with every I/O method",
    summary: "A sequential scan of 512 MiB through the buffer pool, by I/O method, buffered and direct, cold and warm.",
    facts: [
      (name: "Kernel", value: "Linux 6.12.41 x86_64"), (name: "Processor", value: "2 × Example CPU at 2.60 GHz"),
      (name: "Memory", value: "24 GiB"), (name: "File system", value: "ext4 on /dev/vda1, direct I/O aligned to 512 B"),
      (name: "Relation", value: "base/16384/16999, 65,536 blocks, checksums verified"),
    ],
    sections: [
      ReportSection(
        heading: "Throughput",
        blocks: [
          .paragraph(
            "Bars show the median of five runs, thin lines the extremes. Each chart has a scale of its own."),
          .bars([cold, warm]), .table(table),
        ]),
      ReportSection(
        heading: "Latency",
        blocks: [
          .paragraph("Both axes are logarithmic: each nine is as wide as the one before, each factor of ten as high."),
          .lines(latencies),
        ]),
    ],
    command: "millrace bench scan -D /srv/pg18 --relation base/16384/16999 --report scan.html",
    footer: "Sample with made-up numbers.")
}
