import MillraceEngine
import MillraceIO
import MillraceStorage

extension BufferUsage {
  /// What a session has used so far.
  init(_ session: Session) {
    self.init()
    let (shared, local) = (session.backend.pageUsage[0], session.backend.pageUsage[1])
    (sharedHit, sharedRead, sharedWritten) = (shared.hits, shared.reads, shared.writes)
    (localHit, localRead, localWritten) = (local.hits, local.reads, local.writes)
    (sharedDirtied, localDirtied) = (BufferPool.pagesDirtied(.shared), BufferPool.pagesDirtied(.local))
    let files = session.backend.temporaryFileUsage
    (temporaryRead, temporaryWritten) = (files.reads, files.writes)
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
