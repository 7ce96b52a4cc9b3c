public import Histogram
import Synchronization

/// Latencies of all I/O of an engine, by operation and by whether it was executed in place, from submission to
/// completion.
///
/// Counting is one atomic add into a bucket, by whichever thread reclaims, without a lock; a bucket is at most 1/32 of
/// its value wide. Reading makes an HdrHistogram of the buckets.
struct LatencyRecorder: @unchecked Sendable {
  // Safe because the pointer never changes and what it points to is atomic.

  /// Buckets per doubling.
  private static let bucketsPerOctave: UInt64 = 32
  private static let octaveShift = 5
  /// Up to 2^36 ns, over a minute; what takes longer counts as that.
  private static let bucketCount = 32 * 33
  private static let operationCount = IOOperation.allCases.count

  private let buckets: UnsafeMutablePointer<Atomic<UInt64>>

  init() {
    let count = Self.operationCount * 2 * Self.bucketCount
    buckets = .allocate(capacity: count)
    for index in 0..<count { (buckets + index).initialize(to: Atomic(0)) }
  }

  /// The engine owns it; a struct, so that counting takes no reference.
  func deallocate() {
    buckets.deinitialize(count: Self.operationCount * 2 * Self.bucketCount)
    buckets.deallocate()
  }

  /// The bucket of a duration: exact below 32 ns, then 32 buckets per doubling.
  @inline(__always) static func bucket(of nanoseconds: UInt64) -> Int {
    guard nanoseconds >= bucketsPerOctave else { return Int(nanoseconds) }
    let octave = 63 - nanoseconds.leadingZeroBitCount - octaveShift
    let position = Int(nanoseconds >> UInt64(octave)) - Int(bucketsPerOctave)
    return min((octave + 1) * Int(bucketsPerOctave) + position, bucketCount - 1)
  }

  /// The middle of a bucket, nanoseconds.
  static func value(of bucket: Int) -> UInt64 {
    let octave = bucket / Int(bucketsPerOctave) - 1
    guard octave >= 0 else { return UInt64(bucket) }
    let lower = (bucketsPerOctave + UInt64(bucket) % bucketsPerOctave) << UInt64(octave)
    return lower + (1 << UInt64(octave)) / 2
  }

  private func first(_ operation: IOOperation, inPlace: Bool) -> UnsafeMutablePointer<Atomic<UInt64>> {
    buckets + ((Int(operation.rawValue) - 1) * 2 + (inPlace ? 1 : 0)) * Self.bucketCount
  }

  /// - Returns: nanoseconds.
  @inline(__always) func record(_ index: UInt32, in table: HandleTable) -> UInt64 {
    let slot = table[index]
    guard let operation = slot.pointee.operation else { return 0 }
    let inPlace = HandleWord(rawValue: slot.pointee.word.relaxed).has(HandleWord.inPlace)
    // One that was submitted while its reaper had just read the clock seems to have ended before it began.
    let (submittedAt, completedAt) = (slot.pointee.submittedAt.relaxed, slot.pointee.completedAt.relaxed)
    let latency = completedAt > submittedAt ? completedAt - submittedAt : 0
    first(operation, inPlace: inPlace)[Self.bucket(of: latency)].sharedAdd(1)
    return latency
  }

  /// Adds what has been recorded so far to a histogram of nanoseconds.
  func add(_ operation: IOOperation, inPlace: Bool, to histogram: inout Histogram<UInt64>) {
    let counts = first(operation, inPlace: inPlace)
    for bucket in 0..<Self.bucketCount {
      let count = counts[bucket].relaxed
      if count > 0 { histogram.record(Self.value(of: bucket), count: count) }
    }
  }
}

extension IOEngine {
  /// Latencies so far, nanoseconds from submission to completion.
  /// - Parameter inPlace: of I/O that its issuer executed itself instead of giving it to the method.
  public func latencies(of operation: IOOperation, inPlace: Bool) -> Histogram<UInt64> {
    var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .two)
    latencies.add(operation, inPlace: inPlace, to: &histogram)
    return histogram
  }

  /// Latencies so far of both ways together.
  public func latencies(of operation: IOOperation) -> Histogram<UInt64> {
    var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .two)
    latencies.add(operation, inPlace: false, to: &histogram)
    latencies.add(operation, inPlace: true, to: &histogram)
    return histogram
  }
}
