import CPostgresParser

/// How much of a thread's stack recursion may use: what PostgreSQL's check_stack_depth() is for. Everything that
/// follows a statement's nesting by recursion asks here at each level.
public enum StackDepth {
  /// What recursion leaves of a thread's stack, in bytes, so that what follows can report the error.
  public static let reserve = 96 * 1024

  /// Throws `54001` if less than ``reserve`` is left, or more than `maxStackDepth` bytes are in use. Some nanoseconds;
  /// the first call of a thread asks the system where its stack is.
  @inline(__always)
  public static func check(_ maxStackDepth: Int) throws(SyntaxError) {
    guard millrace_stack_has_room(reserve, maxStackDepth) else {
      throw .stackDepthExceeded(maxStackDepth: maxStackDepth)
    }
  }

  /// How many bytes recursion may still use here.
  static func room(_ maxStackDepth: Int) -> Int { max(0, Int(millrace_stack_room(maxStackDepth)) - reserve) }
}
