extension Plan {
  /// The types of the columns that it gives out.
  public var outputTypes: [ValueType] { output?.map(\.type) ?? inputTypes }
}
