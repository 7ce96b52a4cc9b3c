public import MillraceTypes

extension EngineError.Code {
  /// PostgreSQL's code for it (src/backend/utils/errcodes.txt).
  public var sqlState: SQLState {
    switch self {
    case .rowTooBig: SQLState("54000")
    case .undefined: SQLState("42704")
    case .conflict, .serializationFailure: SQLState("40001")
    case .invalidTransactionState: SQLState("25000")
    case .exhausted: SQLState("53000")
    case .cluster, .io: SQLState("58030")
    case .corrupted: SQLState("XX001")
    case .stopped: SQLState("57P02")
    case .invalidSetting: SQLState("22023")
    case .cancelled: SQLState("57014")
    case .adminShutdown: SQLState("57P01")
    case .deadlock: SQLState("40P01")
    case .lockNotAvailable: SQLState("55P03")
    case .readOnlyTransaction: SQLState("25006")
    case .invalidSavepoint: SQLState("3B001")
    case .statement: .internalError
    }
  }
}
