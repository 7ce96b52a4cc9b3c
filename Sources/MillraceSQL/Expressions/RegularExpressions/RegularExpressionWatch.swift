import MillraceEngine
import MillraceTypes

/// Looks after a search, which may take long and go deep: it ends when its statement is cancelled, and before the
/// stack does. Searching goes on as if nothing were found; who began it asks at the end why.
final class RegularExpressionWatch {
  private let session: Session
  private var stepsLeft = RegularExpressionWatch.interval
  private(set) var failure: TypeError?

  /// Steps between two looks at the session.
  private static let interval = 20_000

  init(_ session: Session) { self.session = session }

  /// Notes work done.
  /// - Returns: whether the search is to go on.
  @inline(__always) func goesOn(after steps: Int) -> Bool {
    stepsLeft -= steps + 1
    if stepsLeft < 0 { look() }
    return failure == nil
  }

  @inline(never) private func look() {
    stepsLeft = Self.interval
    guard failure == nil else { return }
    do throws(EngineError) { try session.checkInterrupts() } catch {
      failure = TypeError(error.code == .adminShutdown ? SQLState("57P01") : .queryCanceled, error.message)
    }
  }

  /// To be asked at each level of a recursion.
  /// - Returns: whether it may go on.
  func goesDeeper() -> Bool {
    guard goesOn(after: 1) else { return false }
    do throws(TypeError) { try Self.checkStack() } catch { failure = error }
    return failure == nil
  }

  /// Why the search has ended early, if it has.
  func check() throws(TypeError) {
    if let failure { throw failure }
  }

  /// - Throws: ``TypeError`` 54001.
  static func checkStack() throws(TypeError) {
    do throws(SyntaxError) { try StackDepth.check(.max) } catch {
      throw TypeError(SQLState("54001"), error.message, hint: error.hint)
    }
  }
}
