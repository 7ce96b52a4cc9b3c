/// Checks what only a bug in this package can break; always on, because a broken engine must stop before it writes.
///
/// Trouble that the operating system or a user can cause is thrown, never checked here.
@inlinable @inline(__always)
package func invariant(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> StaticString,
  file: StaticString = #fileID, line: UInt = #line
) {
  if !condition() { fatalError("invariant broken: \(message())", file: file, line: line) }
}

/// Checks what only a wrong use of this package can break and no error can be thrown for. Not `precondition`, which
/// ends a release build without its words.
@inlinable @inline(__always)
package func requireUse(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> StaticString,
  file: StaticString = #fileID, line: UInt = #line
) {
  if !condition() { fatalError("API violation: \(message())", file: file, line: line) }
}
