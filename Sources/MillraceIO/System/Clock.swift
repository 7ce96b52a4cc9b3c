public import CMillrace

/// Nanoseconds of the monotonic clock; about 40 ns a call, so the engine reads it once for a batch.
@inlinable @inline(__always)
package func monotonicNanoseconds() -> UInt64 { millrace_monotonic_ns() }
