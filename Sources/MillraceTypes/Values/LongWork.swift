#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Who is asked, in the midst of work that can take long, whether it is still wanted: what a statement gives the thread
/// that runs it. Used by that thread only.
open class LongWorkWatch {
  /// Steps until the next question.
  fileprivate var stepsLeft = LongWork.stepsBetweenQuestions

  public init() {}

  /// - Throws: ``TypeError`` where the work is to end.
  open func check() throws(TypeError) {}
}

/// Work on one value that can take seconds, such as a product of numbers with a hundred thousand digits each. It says
/// how much it has done, and ends when its statement is cancelled or its time has run out.
public enum LongWork {
  /// About a millisecond.
  fileprivate static let stepsBetweenQuestions = 1 << 20
  /// What is shorter is not worth the look at whose thread it is.
  private static let stepsNoted = 1024

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let status = pthread_key_create(&key) { pointer in
      #if canImport(Darwin)
        Unmanaged<LongWorkWatch>.fromOpaque(pointer).release()
      #else
        if let pointer { Unmanaged<LongWorkWatch>.fromOpaque(pointer).release() }
      #endif
    }
    precondition(status == 0, "a process has no room for one more key of its threads")
    return key
  }()

  /// Makes somebody the one to ask on this thread, until somebody else is or the thread ends.
  /// - Complexity: where it is that one already, a look.
  public static func setWatch(_ watch: LongWorkWatch) {
    let pointer = Unmanaged.passUnretained(watch).toOpaque()
    let known = pthread_getspecific(key)
    if known == pointer { return }
    pthread_setspecific(key, Unmanaged.passRetained(watch).toOpaque())
    if let known { Unmanaged<LongWorkWatch>.fromOpaque(known).release() }
  }

  /// Notes work done.
  /// - Parameter steps: of about a nanosecond each.
  /// - Throws: ``TypeError`` where it is to end.
  @inline(__always) static func note(_ steps: Int) throws(TypeError) {
    if steps >= stepsNoted { try ask(after: steps) }
  }

  @inline(never) private static func ask(after steps: Int) throws(TypeError) {
    guard let pointer = pthread_getspecific(key) else { return }
    let watch = Unmanaged<LongWorkWatch>.fromOpaque(pointer).takeUnretainedValue()
    watch.stepsLeft -= steps
    guard watch.stepsLeft < 0 else { return }
    watch.stepsLeft = stepsBetweenQuestions
    try watch.check()
  }
}
