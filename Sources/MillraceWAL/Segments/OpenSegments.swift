import MillraceIO
import Synchronization

/// The files of the segments that are being written and flushed. Read and changed under the ``LeaderLock`` only;
/// opening and closing, which wait for the device, happen outside of it.
///
/// A file stays here, and so open, until the log is durable beyond its segment: until then I/O on it may be started.
struct OpenSegments: @unchecked Sendable {
  // Safe because it is touched only under the leader lock.

  private struct Place {
    var number: UInt64 = 0
    var file: Unmanaged<IOFile>?
  }

  private let places: UnsafeMutablePointer<Place>
  private let count: Int

  init(count: Int) {
    self.count = count
    places = .allocate(capacity: count)
    places.initialize(repeating: Place(), count: count)
  }

  func deallocate() { places.deallocate() }

  func file(_ number: UInt64) -> Unmanaged<IOFile>? {
    for index in 0..<count where places[index].number == number {
      if let file = places[index].file { return file }
    }
    return nil
  }

  /// - Returns: false where all places are taken.
  func add(_ file: IOFile, _ number: UInt64) -> Bool {
    for index in 0..<count where places[index].file == nil {
      places[index] = Place(number: number, file: .passRetained(file))
      return true
    }
    return false
  }

  /// Takes out a file whose segment ends at or before a position that is durable; its reference is the caller's.
  func takeFinished(durable position: UInt64, segmentSize: UInt64) -> Unmanaged<IOFile>? {
    for index in 0..<count {
      guard let file = places[index].file, (places[index].number + 1) * segmentSize <= position else { continue }
      places[index].file = nil
      return file
    }
    return nil
  }

  /// Takes out any file.
  func takeAny() -> Unmanaged<IOFile>? { takeFinished(durable: .max, segmentSize: 0) }
}
