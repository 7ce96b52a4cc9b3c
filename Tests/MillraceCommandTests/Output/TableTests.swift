import Testing

@testable import MillraceCommand

@Suite("Tables for the terminal")
struct TableTests {
  @Test("text to the left, numbers to the right, no blanks at the ends of lines")
  func alignment() {
    var table = Table([.text("method"), .number("MiB/s"), .text("remark")])
    table.append(["sync", "1,234", ""])
    table.append(["io_uring", "9", "direct"])
    #expect(
      table.text() == """
        method    MiB/s  remark
        --------  -----  ------
        sync      1,234
        io_uring      9  direct

        """)
  }

  @Test("no rows: the titles alone")
  func empty() {
    #expect(Table([.text("file"), .number("block")]).text() == "file  block\n----  -----\n")
  }

  @Test("what is too wide is cut where it says least, and numbers never")
  func narrow() {
    var table = Table([.path("file"), .number("block"), .text("what is wrong")])
    table.append(["base/16384/" + String(repeating: "9", count: 90), "1234567", String(repeating: "x", count: 60)])
    for width in 40...180 {
      let lines = table.text(width: width).split(separator: "\n")
      #expect(lines.allSatisfy { $0.count <= width }, "width \(width)")
      #expect(lines[2].contains("1234567"))
    }
    let row = table.text(width: 60).split(separator: "\n")[2]
    #expect(row.hasPrefix("…99"))
    #expect(row.hasSuffix("x…"))
  }

  @Test("a name cannot move the cursor")
  func controlCharacters() {
    var table = Table([.text("file")])
    table.append(["a\u{1B}[2Jb\nc\r\n"])
    #expect(table.text() == "file\n----------\na?[2Jb?c??\n")
  }
}
