import MillraceIO
import MillraceStorage

/// What `verify` found, as text and as JSON.
struct Verification {
  let directory: DataDirectory
  /// Files of which nothing is known.
  let unrecognized: [String]
  let options: VerificationOptions
  let method: IOMethodKind
  let result: VerificationResult
  let seconds: Double

  func print() {
    for damage in result.damages { Output.line("\(damage)") }
    if !directory.controlFile.checksumsEnabled {
      Output.line("data checksums are off in this cluster: only page headers were checked")
    }
    for name in unrecognized { Output.warningLine("\(name) is not a file of PostgreSQL and was left out") }
    if result.reread > 0 {
      Output.line("\(Format.count(result.reread)) pages were being written and verified when read again")
    }
    let rate = Format.rate(bytesPerSecond: Double(result.bytes) / max(seconds, 1e-9))
    let verdict = result.damages.isEmpty ? "no damage" : "\(Format.count(result.damages.count)) damaged"
    Output.line(
      "\(Format.count(result.pages)) pages in \(Format.count(result.files)) files, \(Format.bytes(result.bytes)),"
        + " in \(Format.fixed(seconds, 2)) s (\(rate), io_method=\(method)): \(verdict)"
    )
  }

  struct Document: Encodable {
    struct Page: Encodable {
      let path: String
      let fork: String?
      let segment, block: UInt32?
      let problems: [String]
      let checksumExpected, checksumFound: UInt16?
    }

    let directory, ioMethod: String
    let postgresVersion: Int
    let direct, online, checksums: Bool
    let jobs, files, pages, bytes, damaged, reread: Int
    let reads, retries: UInt64
    let seconds, mibPerS: Double
    let damages: [Page]
    let unrecognized: [String]
  }

  var document: Document {
    Document(
      directory: directory.path, ioMethod: method.rawValue, postgresVersion: directory.majorVersion,
      direct: options.isDirect, online: options.isOnline, checksums: directory.controlFile.checksumsEnabled,
      jobs: options.jobs, files: result.files, pages: result.pages, bytes: result.bytes,
      damaged: result.damages.count, reread: result.reread, reads: result.reads, retries: result.retries,
      seconds: seconds, mibPerS: Double(result.bytes) / 1_048_576 / max(seconds, 1e-9),
      damages: result.damages.map { damage in
        Document.Page(
          path: damage.path, fork: damage.fork?.description, segment: damage.segment, block: damage.block?.rawValue,
          problems: damage.problems, checksumExpected: damage.checksum?.expected,
          checksumFound: damage.checksum?.found)
      },
      unrecognized: unrecognized)
  }
}
