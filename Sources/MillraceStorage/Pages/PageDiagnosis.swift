import CMillrace

/// What exactly is wrong with a page that `PageVerifier` refused.
///
/// This is for people and reports, not for the reading path: it allocates, and it may try a thousand block numbers.
/// Each problem states what is seen on the page. What may have caused it (a torn write, a lost write, a write to the
/// wrong place) is said only where the bytes show it.
public struct PageDiagnosis: Sendable, Hashable {
  /// Where in its fork the page was read.
  public let block: BlockNumber
  /// Everything that was found, the checksum first. Empty if the page is sound.
  public let problems: [PageProblem]

  public var isSound: Bool { problems.isEmpty }

  /// Looks at everything: what `PageVerifier` looks at, and besides the page's size and layout version, which are all
  /// that a cluster without checksums offers beyond the header's sanity.
  ///
  /// - Parameters:
  ///   - page: `PageLayout.blockSize` readable bytes, of any alignment. They are not written to.
  ///   - block: Where in its fork the page was read.
  ///   - checksumsEnabled: Whether the cluster keeps checksums.
  ///   - forkBlockCount: How many blocks the fork has: the blocks to which a misplaced page may belong.
  public init(_ page: UnsafeRawPointer, block: BlockNumber, checksumsEnabled: Bool, forkBlockCount: UInt32) {
    self.block = block
    let header = PageHeader(page)

    if header.isNew {
      guard let byte = Self.firstNonzeroByte(of: page) else {
        problems = []
        return
      }
      problems = [.uninitialized(firstNonzeroByte: byte)] + Self.zeroedParts(of: page, header: nil)
      return
    }

    let defects = Self.defects(of: header)
    let hash = checksumsEnabled ? millrace_checksum_hash(page) : 0
    let expected = millrace_checksum_reduce(hash, block.rawValue)
    let checksumFailed = checksumsEnabled && expected != header.checksum
    guard checksumFailed || !defects.isEmpty else {
      problems = []
      return
    }

    let zeroed = Self.zeroedParts(of: page, header: defects.isEmpty ? header : nil)
    var problems: [PageProblem] = []
    if checksumFailed {
      problems.append(.checksum(expected: expected, found: header.checksum))
      // A page that was only put in the wrong place has nothing else wrong with it.
      if defects.isEmpty && zeroed.isEmpty {
        problems += Self.misplacement(
          of: page, hash: hash, checksum: header.checksum, block: block, forkBlockCount: forkBlockCount)
      }
    }
    self.problems = problems + defects.map { .header($0) } + zeroed
  }

  private static func defects(of header: PageHeader) -> [PageProblem.HeaderDefect] {
    var defects: [PageProblem.HeaderDefect] = []
    if !header.flags.isSubset(of: .valid) {
      defects.append(.unknownFlags(header.flags.rawValue))
    }
    if Int(header.lower) < PageLayout.headerSize {
      defects.append(.lowerInsideHeader(header.lower))
    }
    if header.lower > header.upper {
      defects.append(.lowerBeyondUpper(lower: header.lower, upper: header.upper))
    }
    if header.upper > header.special {
      defects.append(.upperBeyondSpecial(upper: header.upper, special: header.special))
    }
    if Int(header.special) > PageLayout.blockSize {
      defects.append(.specialBeyondPage(header.special))
    }
    if Int(header.special) % PageLayout.maximumAlignment != 0 {
      defects.append(.specialUnaligned(header.special))
    }
    if header.pageSize != PageLayout.blockSize {
      defects.append(.pageSize(header.pageSize))
    }
    if header.layoutVersion != PageLayout.version {
      defects.append(.layoutVersion(header.layoutVersion))
    }
    return defects
  }
}

// MARK: - Zeroed parts

extension PageDiagnosis {
  private static func firstNonzeroByte(of page: UnsafeRawPointer) -> Int? {
    UnsafeRawBufferPointer(start: page, count: PageLayout.blockSize).firstIndex { $0 != 0 }
  }

  /// Runs of whole sectors that are zero, as far as they lie where the header says that there is something.
  ///
  /// Between `pd_lower` and `pd_upper` zeros are what should be there, so the runs are cut to the rest of the page, and
  /// what is left of them counts if it is at least a sector long. Without a header that makes sense all of the page
  /// counts.
  private static func zeroedParts(of page: UnsafeRawPointer, header: PageHeader?) -> [PageProblem] {
    var occupied = [0..<PageLayout.blockSize]
    if let header {
      occupied = [0..<Int(header.lower), Int(header.upper)..<PageLayout.blockSize]
    }
    var parts: [PageProblem] = []
    for run in zeroRuns(of: page) {
      for part in occupied.map(run.clamped) where part.count >= PageLayout.sectorSize {
        parts.append(part.upperBound == PageLayout.blockSize ? .zeroedTail(from: part.lowerBound) : .zeroed(part))
      }
    }
    return parts
  }

  /// The longest possible runs of sectors that are all zero.
  private static func zeroRuns(of page: UnsafeRawPointer) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for start in stride(from: 0, to: PageLayout.blockSize, by: PageLayout.sectorSize) {
      let sector = UnsafeRawBufferPointer(start: page + start, count: PageLayout.sectorSize)
      guard sector.allSatisfy({ $0 == 0 }) else { continue }
      if let last = runs.last, last.upperBound == start {
        runs[runs.count - 1] = last.lowerBound..<(start + PageLayout.sectorSize)
      } else {
        runs.append(start..<(start + PageLayout.sectorSize))
      }
    }
    return runs
  }
}

// MARK: - Misplaced pages

extension PageDiagnosis {
  /// How far around its place a page's origin is looked for when nothing but the checksum speaks for it. Each block
  /// tried fits by chance once in 65,535 times; fewer than three hundred are, so a false suspicion is rarer than one in
  /// 200.
  private static let searchDistance: UInt32 = 128

  /// The block for which the page's checksum is right, if one is plausible: the one that the page's tuples name, a
  /// neighbour, or one whose number differs in one bit.
  ///
  /// The block number is mixed in after the bytes are hashed, so trying another one costs a division.
  private static func misplacement(
    of page: UnsafeRawPointer, hash: UInt32, checksum: UInt16, block: BlockNumber, forkBlockCount: UInt32
  ) -> [PageProblem] {
    func fits(_ candidate: UInt32) -> Bool {
      millrace_checksum_reduce(hash, candidate) == checksum
    }
    if let home = homeOfTuples(on: PageView(page)) {
      if home == block { return [] }
      if fits(home.rawValue) { return [.misplaced(belongsTo: home, confirmed: true)] }
    }
    let own = Int64(block.rawValue)
    let neighbours = (1...Int64(searchDistance)).flatMap { [own - $0, own + $0] }
    let flipped = (0..<32).map { own ^ (1 << $0) }
    for candidate in neighbours + flipped where (0..<Int64(forkBlockCount)).contains(candidate) {
      let candidate = UInt32(candidate)
      if fits(candidate) { return [.misplaced(belongsTo: BlockNumber(candidate), confirmed: false)] }
    }
    return []
  }

  /// The block to which most heap tuples on the page say they belong, if it is a heap page and most of them agree.
  ///
  /// A tuple's `t_ctid` is its own place unless it was updated (src/include/access/htup_details.h). On other pages the
  /// same bytes mean something else; then the checksum does not fit what is found here.
  private static func homeOfTuples(on page: PageView) -> BlockNumber? {
    var candidate: UInt32?
    var votes = 0
    // A majority vote in one pass (Boyer and Moore, 1981).
    for number in 0..<page.itemCount {
      let pointer = page.linePointer(number + 1)
      guard pointer.state == .normal, let tuple = page.item(pointer), tuple.count >= HeapTupleHeader.size else {
        continue
      }
      let block = HeapTupleHeader.currentBlock(of: tuple)
      if votes == 0 {
        candidate = block
        votes = 1
      } else {
        votes += block == candidate ? 1 : -1
      }
    }
    return candidate.map(BlockNumber.init).flatMap { $0.isValid ? $0 : nil }
  }
}
