import Foundation
import MillraceIO

/// Whether an I/O method can be used here, found out by using it.
struct MethodProbe: Encodable {
  let ioMethod: String
  let usable: Bool
  /// Why not, with what cures it.
  let reason: String?

  /// Reads two pages of this program by the method.
  init(_ kind: IOMethodKind) {
    ioMethod = kind.rawValue
    var reason = MethodSelection.obstacle(to: kind)
    if reason == nil {
      do throws(IOError) {
        try Self.read(by: kind)
      } catch {
        reason = error.description
      }
    }
    self.reason = reason
    usable = reason == nil
  }

  private static func read(by kind: IOMethodKind) throws(IOError) {
    guard let program = Bundle.main.executablePath else { return }
    let file = try DescriptorFile.open(program, [])
    defer { file.close() }
    let engine = try IOEngine(IOConfiguration(method: kind))
    let backend = try engine.makeBackend("doctor")
    let memory = try IOMemory(byteCount: 2 * 8192, hugePages: .off)
    let places = Places(count: 2)
    let completion = engine.register(places)
    let batch = backend.batch()
    // Not neighbours in the file, so that they are two and the method has to be asked.
    for page in 0..<2 {
      let handle = backend.acquire()
      handle.add(completion)
      handle.data[0] = UInt32(page)
      handle.vectors[0] = IOVector(base: memory.baseAddress + page * 8192, byteCount: 4096)
      _ = handle.start(.readv, file, at: Int64(page) * 8192, vectorCount: 1, dataCount: 1)
    }
    batch.submit()
    backend.reap(atLeast: 2)
    backend.close()
    if let failure = places.failure { throw failure.error(.readv, file) }
  }
}
