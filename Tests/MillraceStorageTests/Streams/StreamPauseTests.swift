import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Facts, scenarios 65 and 66: early end, reset and rescan, pause and resume, at any moment.
@Suite struct StreamPauseTests {
  @Test(arguments: ReadSetup.methods)
  func pausingACachedScanStopsAskingTheSource(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 30)
    let backend = try rig.backend()
    try rig.drain(rig.stream(backend, BlockRange(0..<30)))
    let source = NumberedBlocks(Array(0..<30))
    let stream = rig.stream(backend, source)
    for block in UInt32(0)..<10 { try rig.expectNext(of: stream, is: block) }
    stream.pause()
    let asked = source.position
    let rest = try rig.drain(stream)
    #expect(source.position == asked, "a paused stream asked its source")
    #expect(rest == Array(10..<UInt32(asked)))
    stream.resume()
    #expect(try rig.drain(stream) == Array(UInt32(asked)..<30))
  }
}
