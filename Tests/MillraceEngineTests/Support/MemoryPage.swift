@testable import MillraceEngine
import MillraceStorage

/// A heap page in memory of its own.
final class MemoryPage {
  let page: HeapPage

  init(block: UInt32) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: PageLayout.blockSize, alignment: 8)
    page = HeapPage(memory, block: BlockNumber(block))
    page.editor.initialize()
  }

  convenience init(copying other: MemoryPage) {
    self.init(block: other.page.block.rawValue)
    page.editor.base.copyMemory(from: other.page.editor.base, byteCount: PageLayout.blockSize)
  }

  deinit { page.editor.base.deallocate() }

  var bytes: [UInt8] { [UInt8](UnsafeRawBufferPointer(start: page.editor.base, count: PageLayout.blockSize)) }

  /// The bytes without what redo need not repeat, which is what PostgreSQL leaves out when it compares: hints in the
  /// header, the numbers of commands, and what lies between line pointers and items.
  var masked: [UInt8] {
    let copy = MemoryPage(copying: self)
    let editor = copy.page.editor
    editor.pruneXID = .invalid
    editor.set(.pageFull, false)
    editor.set(.hasFreeLines, false)
    for number in 1..<editor.itemCount + 1 {
      guard let tuple = copy.page.tuple(number) else { continue }
      tuple.command = 0
      tuple.infomask.remove(.comboCommand)
    }
    var bytes = copy.bytes
    for index in editor.lower..<max(editor.lower, editor.upper) { bytes[index] = 0 }
    return bytes
  }
}

/// Memory in which a row is formed.
final class RowMemory {
  let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: HeapPage.tupleLengthMax, alignment: 8)

  deinit { bytes.deallocate() }

  /// A row of two integers and a text, of which those that are nil are null.
  func row(_ id: Int32?, _ number: Int64?, _ text: [UInt8]?) throws -> HeapTuple {
    var writer = TupleWriter(bytes, attributeCount: 3, hasNulls: id == nil || number == nil || text == nil)
    if let id { writer.append(id) } else { writer.appendNull() }
    if let number { writer.append(number) } else { writer.appendNull() }
    if let text { writer.append(text: text) } else { writer.appendNull() }
    return try writer.finish()
  }
}
