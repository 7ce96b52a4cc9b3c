import Glibc

@testable import MillraceIO

/// Bytes that follow from their place in a file, so that one read from a wrong place, or from another file, shows.
struct Pattern: Sendable {
  /// The first mebibyte of it; no test file is longer.
  private let image: [UInt8]
  private static let length = 1 << 20
  private static let known = Locked<[UInt64: [UInt8]]>([:])

  init(seed: UInt64 = 1) {
    image = Self.known.withLock { known in
      if let image = known[seed] { return image }
      let made = Self.make(seed)
      known[seed] = made
      return made
    }
  }

  private static func make(_ seed: UInt64) -> [UInt8] {
    var image = [UInt8](repeating: 0, count: length)
    image.withUnsafeMutableBytes { bytes in
      for index in 0..<length / 8 {
        var word = (UInt64(index) &+ seed &* 0x9E37_79B9_7F4A_7C15) &* 0xBF58_476D_1CE4_E5B9
        word ^= word >> 29
        bytes.storeBytes(of: word, toByteOffset: index * 8, as: UInt64.self)
      }
    }
    return image
  }

  func bytes(_ range: Range<Int>) -> [UInt8] { Array(image[range]) }

  func fill(_ memory: UnsafeMutableRawBufferPointer, from offset: Int) {
    image.withUnsafeBytes {
      memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + memory.count]))
    }
  }

  /// Whether memory holds what the file has from `offset` on.
  func matches(_ memory: UnsafeMutableRawBufferPointer, from offset: Int) -> Bool {
    image.withUnsafeBytes { image in
      guard let own = memory.baseAddress, let expected = image.baseAddress else { return true }
      return memcmp(own, expected + offset, memory.count) == 0
    }
  }
}

extension IOMemory {
  /// A part of the memory.
  func piece(_ offset: Int, _ byteCount: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<offset + byteCount])
  }
}
