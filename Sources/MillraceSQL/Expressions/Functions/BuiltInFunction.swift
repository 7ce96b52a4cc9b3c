import MillraceTypes

/// How a function of `pg_proc` is computed: in one of several ways.
final class BuiltInFunction: Sendable {
  let unary: UnaryKernel?
  let binary: BinaryKernel?
  /// Beside ``binary``, for comparisons.
  let filter: FilterKernel?
  let scalar: ScalarFunction?
  let session: SessionFunction?
  /// Whether it may be given toasted values, because it does not look at their bytes.
  let takesToasted: Bool

  init(
    unary: UnaryKernel? = nil, binary: BinaryKernel? = nil, filter: FilterKernel? = nil,
    scalar: ScalarFunction? = nil, session: SessionFunction? = nil, takesToasted: Bool = false
  ) {
    (self.unary, self.binary, self.filter) = (unary, binary, filter)
    (self.scalar, self.session) = (scalar, session)
    self.takesToasted = takesToasted
  }
}

/// Functions by the name of their implementation (`pg_proc.prosrc`), while the library is put together.
struct FunctionRegistry {
  private(set) var functions: [String: BuiltInFunction] = [:]

  private mutating func add(_ names: [String], _ function: BuiltInFunction) {
    for name in names {
      precondition(functions[name] == nil, "the function \(name) is implemented twice")
      functions[name] = function
    }
  }

  mutating func unary(_ names: String..., body: @escaping UnaryKernel) {
    add(names, BuiltInFunction(unary: body))
  }

  mutating func binary(_ names: String..., body: @escaping BinaryKernel) {
    add(names, BuiltInFunction(binary: body))
  }

  mutating func comparison(_ names: [String], _ binary: @escaping BinaryKernel, _ filter: @escaping FilterKernel) {
    add(names, BuiltInFunction(binary: binary, filter: filter))
  }

  mutating func scalar(_ names: String..., takesToasted: Bool = false, body: @escaping ScalarFunction) {
    add(names, BuiltInFunction(scalar: body, takesToasted: takesToasted))
  }

  mutating func session(_ names: String..., takesToasted: Bool = false, body: @escaping SessionFunction) {
    add(names, BuiltInFunction(session: body, takesToasted: takesToasted))
  }
}
