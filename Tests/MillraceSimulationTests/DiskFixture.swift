import MillraceIO
import MillraceSimulation
import Testing

extension SimulatedDisk {
  /// Opens a file for writing, made if it is not there.
  func make(_ path: String, _ bytes: [UInt8] = [], _ options: IOFileOptions = []) throws -> SimulatedFile {
    let file = try openFile(path, [.write, .create, options])
    if !bytes.isEmpty { try #require(file.write(bytes, at: 0) == bytes.count) }
    return file
  }
}

extension SimulatedFile {
  /// Writes an array. - Returns: bytes or -errno.
  func write(_ bytes: [UInt8], at offset: Int) -> Int {
    var copy = bytes
    return copy.withUnsafeMutableBytes { bytes in
      withUnsafePointer(to: IOVector(base: bytes.baseAddress, byteCount: bytes.count)) {
        Int(write($0, count: 1, at: Int64(offset)))
      }
    }
  }

  /// Reads. - Returns: the bytes, or nil and -errno.
  func read(_ count: Int, at offset: Int) -> (bytes: [UInt8]?, error: Int) {
    var bytes = [UInt8](repeating: 0xEE, count: count)
    let result = bytes.withUnsafeMutableBytes { bytes in
      withUnsafePointer(to: IOVector(base: bytes.baseAddress, byteCount: bytes.count)) {
        Int(read($0, count: 1, at: Int64(offset)))
      }
    }
    return result < 0 ? (nil, result) : (Array(bytes[..<result]), 0)
  }
}

func bytes(_ value: UInt8, _ count: Int) -> [UInt8] { [UInt8](repeating: value, count: count) }
