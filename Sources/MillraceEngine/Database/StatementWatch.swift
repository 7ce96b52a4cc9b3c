import MillraceIO
import MillraceTypes

/// Asked by long work on single values, of a session's statement: ends it where somebody asked for that, or the
/// statement's time has run out. As ``Session/checkInterrupts()``, for those who know no session.
final class StatementWatch: LongWorkWatch {
  private let locker: Locker
  private var deadline: UInt64 = 0
  private var isActive = false

  init(_ locker: Locker) {
    self.locker = locker
    super.init()
  }

  /// Makes it the one that is asked on this thread.
  /// - Parameter deadline: of the statement, in monotonic nanoseconds; 0 for none.
  func begin(deadline: UInt64) {
    (self.deadline, isActive) = (deadline, true)
    LongWork.setWatch(self)
  }

  /// The statement is over: what the thread does from now on is not its.
  func end() { isActive = false }

  override func check() throws(TypeError) {
    guard isActive else { return }
    if let error = locker.interruption() {
      throw TypeError(error.code == .adminShutdown ? SQLState("57P01") : SQLState("57014"), error.message)
    }
    if deadline != 0, monotonicNanoseconds() >= deadline {
      throw TypeError(SQLState("57014"), EngineError.statementTimeout.message)
    }
  }
}
