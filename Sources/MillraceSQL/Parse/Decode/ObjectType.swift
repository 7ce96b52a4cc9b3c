/// PostgreSQL's ObjectType, in its order: what DROP, COMMENT and their like are about.
enum ObjectType: Int32 {
  case accessMethod, aggregate, operatorOfAccessMethod, procedureOfAccessMethod, attribute, cast, column, collation
  case conversion, database, `default`, defaultPrivileges, domain, domainConstraint, eventTrigger, `extension`
  case foreignDataWrapper, foreignServer, foreignTable, function, index, language, largeObject, materializedView
  case operatorClass, `operator`, operatorFamily, parameter, policy, procedure, publication, publicationNamespace
  case publicationRelation, role, routine, rule, schema, sequence, subscription, statistics, tableConstraint, table
  case tablespace, transform, trigger, textSearchConfiguration, textSearchDictionary, textSearchParser
  case textSearchTemplate, type, userMapping, view

  /// What SQL calls it.
  var sqlName: String {
    switch self {
    case .foreignServer: "SERVER"
    case .tableConstraint, .domainConstraint: "CONSTRAINT"
    default:
      // accessMethod is ACCESS METHOD.
      "\(self)".reduce(into: "") { name, letter in
        if letter.isUppercase { name.append(" ") }
        name.append(contentsOf: letter.uppercased())
      }
    }
  }
}

extension NodeDecoder {
  func objectType() -> ObjectType {
    guard let type = ObjectType(rawValue: int32()) else { preconditionFailure("the grammar has no such object") }
    return type
  }
}
