import Foundation
@testable import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

@Suite struct SystemTablesTests {
  @Test("the columns that the engine goes by are those of the tables")
  func columns() {
    func check<Column: CatalogColumn>(_ columns: Column.Type) {
      let catalog = SystemCatalog.of(columns)
      let names = Column.allCases.map { "\($0)".lowercased() }
      #expect(names == catalog.descriptor.columns.map { $0.name.replacing("_", with: "") }, "\(catalog.name)")
    }
    check(CatalogColumns.Class.self)
    check(CatalogColumns.Attribute.self)
    check(CatalogColumns.DataType.self)
    check(CatalogColumns.Namespace.self)
    check(CatalogColumns.Index.self)
    check(CatalogColumns.Constraint.self)
    check(CatalogColumns.ColumnDefault.self)
    check(CatalogColumns.Database.self)
    check(CatalogColumns.Role.self)
    check(CatalogColumns.Membership.self)
    check(CatalogColumns.Procedure.self)
    check(CatalogColumns.Operator.self)
    check(CatalogColumns.OperatorClass.self)
    check(CatalogColumns.OperatorFamily.self)
    check(CatalogColumns.FamilyOperator.self)
    check(CatalogColumns.FamilyProcedure.self)
    check(CatalogColumns.Cast.self)
    check(CatalogColumns.Dependency.self)
    check(CatalogColumns.Description.self)
    check(CatalogColumns.Sequence.self)
    check(CatalogColumns.Rule.self)
    check(CatalogColumns.Inheritance.self)
    check(CatalogColumns.Aggregate.self)
    check(CatalogColumns.Tablespace.self)
    check(CatalogColumns.SharedDescription.self)
  }

  @Test("types that have functions lie in tuples as pg_type says")
  func types() throws {
    let rig = try CatalogRig()
    let types = try rig.transaction { catalog throws(EngineError) in try catalog.types() }
    for type in TypeDescriptor.all {
      let entry = try #require(types.byID[type.id], "\(type.name)")
      #expect(entry.name == type.name)
      #expect(entry.length == type.length && entry.isByValue == type.isByValue, "\(type.name)")
      #expect(entry.alignment == type.alignment && entry.storage == type.storage, "\(type.name)")
      #expect(entry.array == type.arrayID && entry.category == type.category, "\(type.name)")
    }
    try rig.close()
  }

  @Test("arrays come back from the bytes that they are stored as")
  func arrays() throws {
    let arrays: [(CatalogArray, TypeID)] = [
      (CatalogArray(.oid, [.oid(1), .oid(4_000_000_000)], lowerBound: 0), .oidVector),
      (CatalogArray(.oid, [], lowerBound: 0), .oidVector),
      (CatalogArray(.int2, [.int(-1), .int(2), .int(3)]), .int2Array),
      (CatalogArray(.text, [.text(""), .text("fillfactor=70"), .text("ä")]), .textArray),
      (CatalogArray(.char, [.byte(105), .byte(111)]), .charArray),
      (CatalogArray(.text, []), .textArray),
      (
        CatalogArray(.aclItem, [.access(AccessItem(grantee: 0, grantor: 10, privileges: 2 | 1 << 33))]), .aclItemArray
      ),
    ]
    for (array, type) in arrays {
      let read = array.payload.withByteView { CatalogArray($0, type) }
      #expect(read == array)
    }
  }

  @Test("a privilege list's text is read as PostgreSQL reads it")
  func accessItems() throws {
    let item = try #require(AccessItem("=r/postgres") { _ in 10 })
    #expect(item == AccessItem(grantee: 0, grantor: 10, privileges: 2))
    let all = try #require(AccessItem("postgres=arwdDxtm/postgres") { _ in 10 })
    #expect(all.privileges == 0x407F)
    let grantable = try #require(AccessItem("postgres=a*/postgres") { _ in 10 })
    #expect(grantable.privileges == 1 | 1 << 32)
    #expect(AccessItem("postgres=?/postgres") { _ in 10 } == nil)
  }

  @Test("the relation map is written as PostgreSQL reads it, and what is damaged is not taken for one")
  func relationMap() throws {
    let map = RelationMap([1259: 1259, 1249: 16_400])
    var bytes = map.encoded()
    #expect(bytes.count == 524)
    #expect(RelationMap(parsing: bytes) == map)
    bytes[20] ^= 1
    #expect(RelationMap(parsing: bytes) == nil)
    #expect(RelationMap(parsing: Array(bytes.dropLast())) == nil)
  }
}
