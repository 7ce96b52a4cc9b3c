#if IOUring && os(Linux)
  import Synchronization

  /// A ring with what its users need to share it.
  final class RingPlace: @unchecked Sendable {
    // Safe because mutable fields belong to the one thread of an exclusive ring, or are set up before use.

    let ring: Ring
    let number: UInt32
    /// The backend whose thread alone uses it; nil where it is shared.
    let owner: UInt32?
    let submissionLock = Locked<Void>(())
    /// 1 while a thread reaps.
    let role = Atomic<UInt32>(0)
    /// Threads that sleep beside the reaper.
    let sleepers = Atomic<UInt32>(0)
    let awaited: AwaitedIO
    /// Entries given to the kernel and not reaped; counted for exclusive rings only.
    var inFlight: UInt32 = 0
    private var isEnabled = false
    /// The pieces of memory that the ring knows, in the order of their numbers.
    private var knownPieces: UnsafeMutableBufferPointer<RegisteredMemory.Piece>

    init(_ ring: Ring, number: UInt32, owner: UInt32?) {
      (self.ring, self.number, self.owner) = (ring, number, owner)
      awaited = AwaitedIO(name: "io reaper \(number)")
      knownPieces = UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    deinit { knownPieces.deallocate() }

    @inline(__always) func takeRole() -> Bool {
      role.compareExchange(expected: 0, desired: 1, ordering: .sequentiallyConsistent).exchanged
    }

    @inline(__always) func enableOnce() {
      guard !isEnabled else { return }
      isEnabled = true
      invariant(ring.enable() >= 0, "a ring could not be bound to its thread")
    }

    func setKnown(_ pieces: [RegisteredMemory.Piece]) {
      let memory = UnsafeMutableBufferPointer<RegisteredMemory.Piece>.allocate(capacity: pieces.count)
      _ = memory.initialize(from: pieces)
      // Others may be submitting.
      submissionLock.withLock { _ in
        knownPieces.deallocate()
        knownPieces = memory
      }
    }

    /// The number of the known piece that a piece of memory lies in, as a whole.
    @inline(__always) func bufferIndex(of vector: IOVector) -> UInt16? {
      let start = UInt(bitPattern: vector.base)
      for index in 0..<knownPieces.count {
        let piece = knownPieces[index]
        if start >= piece.start, start &+ UInt(vector.byteCount) <= piece.end, vector.byteCount > 0 {
          return UInt16(truncatingIfNeeded: index)
        }
      }
      return nil
    }
  }
#endif
