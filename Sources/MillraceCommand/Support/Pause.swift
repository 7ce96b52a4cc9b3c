#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Lets some time pass.
func pause(_ seconds: Double) { usleep(UInt32(seconds * 1e6)) }
