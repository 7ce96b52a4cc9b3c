import MillraceStorage

extension [UInt8] {
  /// The page that these bytes are, for functions that take a pointer.
  func withPage<Result>(_ body: (UnsafeRawPointer) -> Result) -> Result {
    withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, bytes.count == PageLayout.blockSize else {
        preconditionFailure("not the size of a page")
      }
      return body(base)
    }
  }

  mutating func withMutablePage(_ body: (UnsafeMutableRawPointer) -> Void) {
    withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress, bytes.count == PageLayout.blockSize else {
        preconditionFailure("not the size of a page")
      }
      body(base)
    }
  }

  var pageHeader: PageHeader { withPage(PageHeader.init) }

  mutating func store(_ header: PageHeader) {
    withMutablePage(header.store)
  }

  /// Gives the page the checksum that it must have at `block`.
  mutating func setChecksum(block: UInt32) {
    withMutablePage { PageChecksum.set($0, block: BlockNumber(block)) }
  }

  func verdict(
    block: UInt32 = 0, checksumsEnabled: Bool = true, ignoreChecksumFailure: Bool = false
  ) -> PageVerdict {
    withPage {
      PageVerifier.isVerified(
        $0, block: BlockNumber(block), checksumsEnabled: checksumsEnabled,
        ignoreChecksumFailure: ignoreChecksumFailure)
    }
  }

  func diagnosis(block: UInt32, checksumsEnabled: Bool = true, of forkBlockCount: UInt32 = 100) -> PageDiagnosis {
    withPage {
      PageDiagnosis(
        $0, block: BlockNumber(block), checksumsEnabled: checksumsEnabled, forkBlockCount: forkBlockCount)
    }
  }
}

extension PageView {
  /// Whether a page of a file, given as all of its bytes, was ever initialized.
  static func isInitialized(_ file: [UInt8], block: Int) -> Bool {
    Array(file[block * PageLayout.blockSize..<(block + 1) * PageLayout.blockSize]).withPage { !PageView($0).isNew }
  }
}
