/// How a value is written: as text, or as the type's `send` function does.
public enum ValueFormat: Int16, Sendable, Hashable {
  case text = 0
  case binary = 1
}
