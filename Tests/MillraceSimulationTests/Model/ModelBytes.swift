import Glibc
import MillraceSimulation

/// Bytes for model runs, made and compared at the speed of the C library also in debug builds.
enum ModelBytes {
  private static let all: [UInt8] = {
    var random = SimulationRandom(seed: 0x6E6F_6973_65)
    return [UInt8](unsafeUninitializedCapacity: 1 << 18) { bytes, count in
      let bytes = UnsafeMutableRawBufferPointer(bytes)
      for start in stride(from: 0, to: bytes.count, by: 8) {
        bytes.storeBytes(of: random.next(), toByteOffset: start, as: UInt64.self)
      }
      count = bytes.count
    }
  }()

  /// - Parameter start: at most 128 kB, as is the length.
  static func noise(from start: Int, _ length: Int) -> [UInt8] { Array(all[start..<start + length]) }

  static func areEqual(_ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>) -> Bool {
    first.withUnsafeBytes { areEqual($0, second) }
  }

  static func areEqual(_ read: UnsafeRawBufferPointer, _ expected: ArraySlice<UInt8>) -> Bool {
    expected.withUnsafeBytes { expected in
      guard let first = read.baseAddress, let second = expected.baseAddress, read.count == expected.count else {
        return read.count == expected.count
      }
      return memcmp(first, second, read.count) == 0
    }
  }
}
