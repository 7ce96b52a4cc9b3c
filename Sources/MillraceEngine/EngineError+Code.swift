extension EngineError.Code {
  /// PostgreSQL's code for it (src/backend/utils/errcodes.txt).
  public var sqlState: String {
    switch self {
    case .rowTooBig: "54000"
    case .undefined: "42704"
    case .duplicateKey: "23505"
    case .conflict, .serializationFailure: "40001"
    case .invalidTransactionState: "25000"
    case .exhausted: "53000"
    case .cluster, .io: "58030"
    case .corrupted: "XX001"
    case .indexCorrupted: "XX002"
    case .stopped: "57P02"
    case .invalidSetting: "22023"
    case .cancelled: "57014"
    case .adminShutdown: "57P01"
    case .deadlock: "40P01"
    case .lockNotAvailable: "55P03"
    case .readOnlyTransaction: "25006"
    case .invalidSavepoint: "3B001"
    case .statement: "XX000"
    }
  }
}
