import MillraceEngine
import MillraceIO

extension BufferUsage {
  /// What a session has used so far.
  init(_ session: Session) {
    self.init()
    let usage = session.backend.pageUsage.pointee
    (sharedHit, sharedRead) = (usage.hits, usage.reads)
  }
}

extension LogUsage {
  /// What a session has written so far.
  init(_ session: Session) {
    self.init()
    let usage = session.logUsage
    (records, fullPageImages, bytes) = (usage.records, usage.images, usage.bytes)
  }
}
