/// What the execution of a node has used.
extension Explain {
  /// The lines that every node may have: I/O, buffers, log.
  func showUsage(_ counted: NodeInstrumentation) {
    if options.io, let io = counted.io { showIO(io) }
    if options.buffers { showBuffers(counted.buffers) }
    if options.wal { showLog(counted.wal) }
  }

  /// As PostgreSQL 19 prints it.
  private func showIO(_ io: IOUsage) {
    guard io.prefetchCount > 0 else { return }
    if output.isText {
      output.line(
        "Prefetch: avg=\(ExplainOutput.fixed(io.averageDistance, 2)) max=\(io.distanceMax) capacity=\(io.capacity)")
      guard io.ioCount > 0 else { return }
      output.line(
        "I/O: count=\(io.ioCount) waits=\(io.waitCount) size=\(ExplainOutput.fixed(io.averageSize, 2)) "
          + "in-progress=\(ExplainOutput.fixed(io.averageInProgress, 2))")
      return
    }
    output.property("Average Prefetch Distance", io.averageDistance, digits: 3)
    output.property("Max Prefetch Distance", io.distanceMax)
    output.property("Prefetch Capacity", io.capacity)
    output.property("I/O Count", Int(io.ioCount))
    output.property("I/O Waits", Int(io.waitCount))
    output.property("Average I/O Size", io.averageSize, digits: 3)
    output.property("Average I/Os In Progress", io.averageInProgress, digits: 3)
  }

  /// `show_buffer_usage`.
  func showBuffers(_ buffers: BufferUsage) {
    let groups: [(name: String, label: String, counts: [(String, String, UInt64)])] = [
      (
        "shared", "Shared",
        [
          ("hit", "Hit", buffers.sharedHit), ("read", "Read", buffers.sharedRead),
          ("dirtied", "Dirtied", buffers.sharedDirtied), ("written", "Written", buffers.sharedWritten),
        ]
      ),
      (
        "local", "Local",
        [
          ("hit", "Hit", buffers.localHit), ("read", "Read", buffers.localRead),
          ("dirtied", "Dirtied", buffers.localDirtied), ("written", "Written", buffers.localWritten),
        ]
      ),
      ("temp", "Temp", [("read", "Read", buffers.temporaryRead), ("written", "Written", buffers.temporaryWritten)]),
    ]
    guard output.isText else {
      for group in groups {
        for count in group.counts { output.property("\(group.label) \(count.1) Blocks", Int(count.2)) }
      }
      return
    }
    let parts = groups.compactMap { group -> String? in
      let counts = group.counts.filter { $0.2 > 0 }.map { "\($0.0)=\($0.2)" }
      return counts.isEmpty ? nil : ([group.name] + counts).joined(separator: " ")
    }
    if !parts.isEmpty { output.line("Buffers: " + parts.joined(separator: ", ")) }
  }

  /// `show_wal_usage`.
  private func showLog(_ log: LogUsage) {
    guard output.isText else {
      output.property("WAL Records", Int(log.records))
      output.property("WAL FPI", Int(log.fullPageImages))
      return output.property("WAL Bytes", Int(log.bytes))
    }
    var parts: [String] = []
    if log.records > 0 { parts.append("records=\(log.records)") }
    if log.fullPageImages > 0 { parts.append("fpi=\(log.fullPageImages)") }
    if log.bytes > 0 { parts.append("bytes=\(log.bytes)") }
    if !parts.isEmpty { output.line("WAL: " + parts.joined(separator: " ")) }
  }

  func showHeapBlocks(_ counted: NodeInstrumentation) {
    guard output.isText else {
      output.property("Exact Heap Blocks", Int(counted.exactBlocks))
      return output.property("Lossy Heap Blocks", Int(counted.lossyBlocks))
    }
    var text = ""
    if counted.exactBlocks > 0 { text += " exact=\(counted.exactBlocks)" }
    if counted.lossyBlocks > 0 { text += " lossy=\(counted.lossyBlocks)" }
    if !text.isEmpty { output.line("Heap Blocks:" + text) }
  }

  private static func kilobytes(_ bytes: Int) -> Int { (bytes + 1023) / 1024 }

  func showSort(_ sort: SortUsage) {
    let kilobytes = Self.kilobytes(Int(sort.bytes))
    let space = sort.isOnDisk ? "Disk" : "Memory"
    if output.isText { return output.line("Sort Method: \(sort.method.rawValue)  \(space): \(kilobytes)kB") }
    output.property("Sort Method", sort.method.rawValue)
    output.property("Sort Space Used", kilobytes)
    output.property("Sort Space Type", space)
  }

  func showHashTable(_ hash: HashUsage) {
    let kilobytes = Self.kilobytes(hash.peakBytes)
    guard output.isText else {
      output.property("Hash Buckets", hash.buckets)
      output.property("Original Hash Buckets", hash.originalBuckets)
      output.property("Hash Batches", hash.batches)
      output.property("Original Hash Batches", hash.originalBatches)
      return output.property("Peak Memory Usage", kilobytes)
    }
    if hash.buckets != hash.originalBuckets || hash.batches != hash.originalBatches {
      return output.line(
        "Buckets: \(hash.buckets) (originally \(hash.originalBuckets))  Batches: \(hash.batches) (originally "
          + "\(hash.originalBatches))  Memory Usage: \(kilobytes)kB")
    }
    output.line("Buckets: \(hash.buckets)  Batches: \(hash.batches)  Memory Usage: \(kilobytes)kB")
  }

  func showHashAggregate(_ aggregate: HashAggregateUsage) {
    let (memory, disk) = (Self.kilobytes(aggregate.peakBytes), Self.kilobytes(Int(aggregate.diskBytes)))
    guard output.isText else {
      output.property("HashAgg Batches", aggregate.batches)
      output.property("Peak Memory Usage", memory)
      return output.property("Disk Usage", disk)
    }
    let spilled = aggregate.batches > 1 ? "  Disk Usage: \(disk)kB" : ""
    output.line("Batches: \(aggregate.batches)  Memory Usage: \(memory)kB\(spilled)")
  }

  func showMemoize(_ usage: MemoizeUsage) {
    let kilobytes = Self.kilobytes(usage.peakBytes)
    guard output.isText else {
      output.property("Cache Hits", Int(usage.hits))
      output.property("Cache Misses", Int(usage.misses))
      output.property("Cache Evictions", Int(usage.evictions))
      output.property("Cache Overflows", Int(usage.overflows))
      return output.property("Peak Memory Usage", kilobytes)
    }
    output.line(
      "Hits: \(usage.hits)  Misses: \(usage.misses)  Evictions: \(usage.evictions)  Overflows: \(usage.overflows)  "
        + "Memory Usage: \(kilobytes)kB")
  }

  func showStorage(_ storage: TupleStorageUsage) {
    let (kind, kilobytes) = (storage.isOnDisk ? "Disk" : "Memory", Self.kilobytes(Int(storage.bytes)))
    if output.isText { return output.line("Storage: \(kind)  Maximum Storage: \(kilobytes)kB") }
    output.property("Storage", kind)
    output.property("Maximum Storage", kilobytes)
  }
}
