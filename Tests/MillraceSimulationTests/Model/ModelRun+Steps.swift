import Glibc
import MillraceSimulation

@testable import MillraceIO

/// What a model run does.
extension ModelRun {
  // MARK: Starting

  /// Starts one I/O or several that may merge, at once or in a batch.
  func startSome() {
    let number = random.below(backends.count)
    let backend = backends[number]
    if random.oneIn(2) { backend.openBatch() }
    let count = random.number(in: 1...random.element(of: [1, 4, 12]))
    var next: (file: Int, offset: Int, operation: IOOperation)?
    for _ in 0..<count {
      guard let slot = freeSlots.last, let io = drawIO(backend: number, slot: slot, after: next) else { return }
      freeSlots.removeLast()
      start(io, slot: slot)
      next = io.isTransfer && !random.oneIn(4) ? (io.file, io.range.upperBound, io.operation) : nil
    }
    if random.oneIn(2) { backend.submitBatch() }
  }

  /// Makes up an I/O that is in nobody's way.
  private func drawIO(
    backend: Int, slot: Int, after neighbour: (file: Int, offset: Int, operation: IOOperation)?
  ) -> ModelIO? {
    let file = neighbour?.file ?? random.below(files.count)
    let operation =
      neighbour?.operation
      ?? random.element(of: [.readv, .readv, .readv, .writev, .writev, .fsync, .fdatasync, .flushRange])
    let unit = files[file].unit == 1 ? random.element(of: [1, 512, 4096]) : files[file].unit
    let pieces = drawPieces(unit: unit)
    let length = operation == .fsync || operation == .fdatasync ? 0 : pieces.reduce(0) { $0 + $1.length }
    let offset = neighbour?.offset ?? random.below(Self.fileBytes / unit + (operation == .readv ? 3 : 0)) * unit
    let range = operation.transfersData || length > 0 ? offset..<offset + length : 0..<0
    if operation == .writev, range.upperBound > files[file].bytes.count, isBusy(file) { return nil }
    if operation.transfersData, overlaps(range, file: file, writing: operation == .writev) { return nil }
    let layers = random.oneIn(3) ? (0..<random.number(in: 1...4)).map { $0 } : []
    startedCount += 1
    return ModelIO(
      number: startedCount, backend: backend, file: file, operation: operation, range: range,
      memory: slot * Self.slotBytes, pieces: pieces, layers: layers,
      payload: operation == .writev ? payload(length) : [], reference: .none)
  }

  /// Pieces of memory, apart from each other or not, that together are at most 16 kB.
  private func drawPieces(unit: Int) -> [(start: Int, length: Int)] {
    var pieces: [(start: Int, length: Int)] = []
    var start = 0
    for _ in 0..<random.number(in: 1...4) {
      let length = random.number(in: 1...max(4096 / unit, 1)) * unit
      pieces.append((start, length))
      start += (length + Self.unit - 1) / Self.unit * Self.unit + (random.oneIn(2) ? Self.unit : 0)
    }
    return start <= Self.slotBytes ? pieces : [pieces[0]]
  }

  private func payload(_ length: Int) -> [UInt8] { ModelBytes.noise(from: random.below(1 << 16), length) }

  private func isBusy(_ file: Int) -> Bool { inFlight.values.contains { $0.file == file } }

  /// Whether an I/O in flight touches a sector of the range, and one of the two writes. Extending goes alone.
  private func overlaps(_ range: Range<Int>, file: Int, writing: Bool) -> Bool {
    func sectors(_ range: Range<Int>) -> Range<Int> {
      range.lowerBound / Self.unit..<(range.upperBound + Self.unit - 1) / Self.unit
    }
    let length = files[file].bytes.count
    return inFlight.values.contains { other in
      other.file == file && other.isTransfer && (writing || other.isWrite)
        && (sectors(other.range).overlaps(sectors(range)) || other.isWrite && other.range.upperBound > length)
    }
  }

  private func start(_ io: ModelIO, slot: Int) {
    var io = io
    let backend = backends[io.backend]
    place(io)
    outcomes[slot] = .unknown
    let handle = backend.backend.acquire()
    handle.returns(to: outcomes + slot)
    for layer in io.layers { handle.add(layers[layer], datum: UInt8(layer)) }
    let flags: IOFlags = random.oneIn(8) ? .synchronous : []
    let file = files[io.file].file
    if io.isTransfer {
      for (position, piece) in io.pieces.enumerated() {
        handle.vectors[position] = IOVector(
          base: memory.baseAddress + io.memory + piece.start, byteCount: piece.length)
      }
      io.reference = handle.start(
        io.operation, file, at: Int64(io.range.lowerBound), vectorCount: io.pieces.count, flags: flags)
    } else {
      io.reference = handle.start(
        io.operation, file, at: Int64(io.range.lowerBound), length: Int64(io.range.count), flags: flags)
    }
    backend.started += 1
    inFlight[slot] = io
    if io.isTransfer, flags.isEmpty, engine.isCompleted(io.reference) { seen.insert(.completionInSubmit) }
    note("\(io.number): backend \(io.backend) \(io.operation) \(files[io.file].path) \(io.range) slot \(slot)")
  }

  /// Puts into memory what a write brings, or what a read must not leave there.
  private func place(_ io: ModelIO) {
    var done = 0
    for piece in io.pieces {
      let target = UnsafeMutableRawBufferPointer(
        start: memory.baseAddress + io.memory + piece.start, count: piece.length)
      if io.isWrite {
        target.copyBytes(from: io.payload[done..<done + piece.length])
        done += piece.length
      } else {
        memset(memory.baseAddress + io.memory + piece.start, 0xA5, piece.length)
      }
    }
  }

  // MARK: Waiting

  /// In the order of their slots: a dictionary has none that a seed determines.
  private var open: [ModelIO] { inFlight.sorted { $0.key < $1.key }.map(\.value) }

  private func drawOpen() -> ModelIO? {
    let open = open
    return open.isEmpty ? nil : random.element(of: open)
  }

  func waitForOne() {
    guard let io = drawOpen() else { return }
    if random.oneIn(3) {
      note("wait for \(io.number) without a backend")
      engine.wait(for: io.reference)
    } else {
      let waiter = random.below(backends.count)
      note("backend \(waiter) waits for \(io.number)")
      backends[waiter].backend.wait(for: io.reference)
    }
  }

  func reapSome() {
    let number = random.below(backends.count)
    let backend = backends[number].backend
    let count = random.below(backend.outstandingCount + 2)
    note("backend \(number) reaps \(count)")
    backend.reap(atLeast: count)
  }

  func askAfterOne() throws {
    guard let io = drawOpen() else { return }
    let asker = random.below(backends.count)
    let answer = backends[asker].backend.isCompleted(io.reference)
    note("backend \(asker) asks after \(io.number): \(answer)")
    try require(answer == engine.isCompleted(io.reference), "two answers to one question")
  }

  func askAfterPast() {
    guard !past.isEmpty else { return }
    let reference = random.element(of: past)
    backends[random.below(backends.count)].backend.wait(for: reference)
  }

  func submitOne() {
    let number = random.below(backends.count)
    note("backend \(number) submits")
    if random.oneIn(2) {
      backends[number].backend.submit(willWait: random.oneIn(2))
    } else {
      backends[number].submitBatch()
    }
  }

  func abandonOne() {
    guard let io = drawOpen(), let slot = inFlight.first(where: { $0.value.number == io.number })?.key,
      outcomes[slot] == .unknown
    else { return }
    note("abandon \(io.number)")
    backends[io.backend].backend.abandon(io.reference)
    inFlight[slot]?.isAbandoned = true
  }

  // MARK: The rest

  func dropHandle() throws {
    let backend = random.element(of: backends).backend
    guard let handle = backend.acquireIfIdle() else { return }
    let generation = engine.table.word(handle.index).generation
    let reference = IOReference(index: handle.index, generation: generation)
    _ = consume handle
    try require(engine.isCompleted(reference), "a handle that was let go of is not over")
  }

  func closeAndReopen() throws {
    let index = random.below(files.count)
    note("close \(files[index].path) and open it again")
    engine.close(files[index].file)
    for io in inFlight.values where io.file == index {
      try require(engine.isCompleted(io.reference), "\(io.number) was in flight when its file had been closed")
    }
    let wasReadOnly = disk.faults.isReadOnly
    disk.faults.isReadOnly = false
    files[index].file = try open(files[index].path, isDirect: files[index].isDirect)
    disk.faults.isReadOnly = wasReadOnly
  }

  /// Cuts a file off, or extends it, while no I/O is in its way.
  func resizeOne() throws {
    let index = random.below(files.count)
    guard !isBusy(index), !disk.faults.isReadOnly else { return }
    if random.oneIn(2) {
      let length = random.below(Self.fileBytes)
      note("truncate \(files[index].path) to \(length)")
      try files[index].file.truncate(to: Int64(length))
      let kept = files[index].bytes.prefix(length)
      files[index].bytes = Array(kept) + [UInt8](repeating: 0, count: length - kept.count)
    } else if let slot = freeSlots.popLast() {
      let backend = random.below(backends.count)
      let range = files[index].bytes.count..<files[index].bytes.count + random.number(in: 1...4 * Self.unit)
      startedCount += 1
      start(
        ModelIO(
          number: startedCount, backend: backend, file: index, operation: .allocate, range: range,
          memory: slot * Self.slotBytes, pieces: [], layers: [], payload: [], reference: .none), slot: slot)
      backends[backend].submitBatch()
      backends[backend].backend.reap(atLeast: .max)
    }
  }

  func replaceBackend() throws {
    let number = random.below(backends.count)
    note("backend \(number) ends, another begins")
    try closeChecked(backends[number])
    // What it left in flight has ended, and is checked under its own name.
    try harvest()
    backends[number] = ModelBackend(try engine.makeBackend("model \(number)"))
  }

  func switchReadOnly() {
    guard disk.faults.isReadOnly || random.oneIn(3) else { return }
    disk.faults.isReadOnly.toggle()
    note("read-only: \(disk.faults.isReadOnly)")
  }
}
