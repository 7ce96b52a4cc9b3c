#if IOUring && os(Linux)
  import Logging

  /// Memory that rings are told of in advance, so that the kernel maps it once and not for each I/O.
  struct RegisteredMemory {
    /// At most a gibibyte, which is all that the kernel takes in one.
    struct Piece {
      let start, end: UInt
    }

    private static let pieceBytes = 1 << 30
    /// What the kernel takes for one ring.
    private static let piecesMax = 16_384

    /// Keeps the mappings as long as rings refer to them.
    private var memories: [IOMemory] = []
    private var pieces: [Piece] = []

    var isEmpty: Bool { memories.isEmpty }

    mutating func add(_ memory: IOMemory) {
      memories.append(memory)
      let base = UInt(bitPattern: memory.baseAddress)
      for start in stride(from: 0, to: memory.byteCount, by: Self.pieceBytes) where pieces.count < Self.piecesMax {
        let end = min(start + Self.pieceBytes, memory.byteCount)
        pieces.append(Piece(start: base + UInt(start), end: base + UInt(end)))
      }
    }

    /// Tells a ring of all of it. A refusal costs speed and nothing else.
    func register(with place: RingPlace, logger: Logger) {
      guard !pieces.isEmpty else { return }
      let vectors = pieces.map { piece in
        IOVector(base: UnsafeMutableRawPointer(bitPattern: piece.start), byteCount: Int(piece.end - piece.start))
      }
      let result = vectors.withUnsafeBufferPointer { vectors in
        vectors.baseAddress.map { place.ring.register(buffers: $0, count: UInt32(vectors.count)) } ?? 0
      }
      if result >= 0 {
        place.setKnown(pieces)
      } else {
        logger.debug(
          "buffers are not registered with io_uring: \(IOError.text(of: Int32(-result))); ulimit -l may be too low")
      }
    }
  }
#endif
