/// A column of a system table, by its place. The names are PostgreSQL's, the order that of version 18; a test compares
/// both with the table's own columns.
public protocol CatalogColumn: RawRepresentable<Int>, CaseIterable, Hashable, Sendable {
  /// The table's OID.
  static var catalog: UInt32 { get }
}

/// The columns of the system tables that the engine itself reads and writes.
public enum CatalogColumns {
  /// `pg_class`.
  public enum Class: Int, CatalogColumn {
    public static let catalog: UInt32 = 1259
    case oid, relname, relnamespace, reltype, reloftype, relowner, relam, relfilenode, reltablespace, relpages,
      reltuples, relallvisible, relallfrozen, reltoastrelid, relhasindex, relisshared, relpersistence, relkind,
      relnatts, relchecks, relhasrules, relhastriggers, relhassubclass, relrowsecurity, relforcerowsecurity,
      relispopulated, relreplident, relispartition, relrewrite, relfrozenxid, relminmxid, relacl, reloptions,
      relpartbound
  }

  /// `pg_attribute`.
  public enum Attribute: Int, CatalogColumn {
    public static let catalog: UInt32 = 1249
    case attrelid, attname, atttypid, attlen, attnum, atttypmod, attndims, attbyval, attalign, attstorage,
      attcompression, attnotnull, atthasdef, atthasmissing, attidentity, attgenerated, attisdropped, attislocal,
      attinhcount, attcollation, attstattarget, attacl, attoptions, attfdwoptions, attmissingval
  }

  /// `pg_type`.
  public enum DataType: Int, CatalogColumn {
    public static let catalog: UInt32 = 1247
    case oid, typname, typnamespace, typowner, typlen, typbyval, typtype, typcategory, typispreferred, typisdefined,
      typdelim, typrelid, typsubscript, typelem, typarray, typinput, typoutput, typreceive, typsend, typmodin,
      typmodout, typanalyze, typalign, typstorage, typnotnull, typbasetype, typtypmod, typndims, typcollation,
      typdefaultbin, typdefault, typacl
  }

  /// `pg_namespace`.
  public enum Namespace: Int, CatalogColumn {
    public static let catalog: UInt32 = 2615
    case oid, nspname, nspowner, nspacl
  }

  /// `pg_index`.
  public enum Index: Int, CatalogColumn {
    public static let catalog: UInt32 = 2610
    case indexrelid, indrelid, indnatts, indnkeyatts, indisunique, indnullsnotdistinct, indisprimary, indisexclusion,
      indimmediate, indisclustered, indisvalid, indcheckxmin, indisready, indislive, indisreplident, indkey,
      indcollation, indclass, indoption, indexprs, indpred
  }

  /// `pg_constraint`.
  public enum Constraint: Int, CatalogColumn {
    public static let catalog: UInt32 = 2606
    case oid, conname, connamespace, contype, condeferrable, condeferred, conenforced, convalidated, conrelid,
      contypid, conindid, conparentid, confrelid, confupdtype, confdeltype, confmatchtype, conislocal, coninhcount,
      connoinherit, conperiod, conkey, confkey, conpfeqop, conppeqop, conffeqop, confdelsetcols, conexclop, conbin
  }

  /// `pg_attrdef`.
  public enum ColumnDefault: Int, CatalogColumn {
    public static let catalog: UInt32 = 2604
    case oid, adrelid, adnum, adbin
  }

  /// `pg_database`.
  public enum Database: Int, CatalogColumn {
    public static let catalog: UInt32 = 1262
    case oid, datname, datdba, encoding, datlocprovider, datistemplate, datallowconn, dathasloginevt, datconnlimit,
      datfrozenxid, datminmxid, dattablespace, datcollate, datctype, datlocale, daticurules, datcollversion, datacl
  }

  /// `pg_authid`.
  public enum Role: Int, CatalogColumn {
    public static let catalog: UInt32 = 1260
    case oid, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
      rolconnlimit, rolpassword, rolvaliduntil
  }

  /// `pg_auth_members`.
  public enum Membership: Int, CatalogColumn {
    public static let catalog: UInt32 = 1261
    case oid, roleid, member, grantor, adminOption, inheritOption, setOption
  }

  /// `pg_proc`.
  public enum Procedure: Int, CatalogColumn {
    public static let catalog: UInt32 = 1255
    case oid, proname, pronamespace, proowner, prolang, procost, prorows, provariadic, prosupport, prokind,
      prosecdef, proleakproof, proisstrict, proretset, provolatile, proparallel, pronargs, pronargdefaults,
      prorettype, proargtypes, proallargtypes, proargmodes, proargnames, proargdefaults, protrftypes, prosrc, probin,
      prosqlbody, proconfig, proacl
  }

  /// `pg_operator`.
  public enum Operator: Int, CatalogColumn {
    public static let catalog: UInt32 = 2617
    case oid, oprname, oprnamespace, oprowner, oprkind, oprcanmerge, oprcanhash, oprleft, oprright, oprresult,
      oprcom, oprnegate, oprcode, oprrest, oprjoin
  }

  /// `pg_opclass`.
  public enum OperatorClass: Int, CatalogColumn {
    public static let catalog: UInt32 = 2616
    case oid, opcmethod, opcname, opcnamespace, opcowner, opcfamily, opcintype, opcdefault, opckeytype
  }

  /// `pg_opfamily`.
  public enum OperatorFamily: Int, CatalogColumn {
    public static let catalog: UInt32 = 2753
    case oid, opfmethod, opfname, opfnamespace, opfowner
  }

  /// `pg_amop`.
  public enum FamilyOperator: Int, CatalogColumn {
    public static let catalog: UInt32 = 2602
    case oid, amopfamily, amoplefttype, amoprighttype, amopstrategy, amoppurpose, amopopr, amopmethod,
      amopsortfamily
  }

  /// `pg_amproc`.
  public enum FamilyProcedure: Int, CatalogColumn {
    public static let catalog: UInt32 = 2603
    case oid, amprocfamily, amproclefttype, amprocrighttype, amprocnum, amproc
  }

  /// `pg_cast`.
  public enum Cast: Int, CatalogColumn {
    public static let catalog: UInt32 = 2605
    case oid, castsource, casttarget, castfunc, castcontext, castmethod
  }

  /// `pg_depend`.
  public enum Dependency: Int, CatalogColumn {
    public static let catalog: UInt32 = 2608
    case classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype
  }

  /// `pg_description`.
  public enum Description: Int, CatalogColumn {
    public static let catalog: UInt32 = 2609
    case objoid, classoid, objsubid, description
  }

  /// `pg_sequence`.
  public enum Sequence: Int, CatalogColumn {
    public static let catalog: UInt32 = 2224
    case seqrelid, seqtypid, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle
  }

  /// `pg_rewrite`.
  public enum Rule: Int, CatalogColumn {
    public static let catalog: UInt32 = 2618
    case oid, rulename, evClass, evType, evEnabled, isInstead, evQual, evAction
  }

  /// `pg_inherits`.
  public enum Inheritance: Int, CatalogColumn {
    public static let catalog: UInt32 = 2611
    case inhrelid, inhparent, inhseqno, inhdetachpending
  }

  /// `pg_aggregate`.
  public enum Aggregate: Int, CatalogColumn {
    public static let catalog: UInt32 = 2600
    case aggfnoid, aggkind, aggnumdirectargs, aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn,
      aggmtransfn, aggminvtransfn, aggmfinalfn, aggfinalextra, aggmfinalextra, aggfinalmodify, aggmfinalmodify,
      aggsortop, aggtranstype, aggtransspace, aggmtranstype, aggmtransspace, agginitval, aggminitval
  }

  /// `pg_statistic`.
  public enum Statistic: Int, CatalogColumn {
    public static let catalog: UInt32 = 2619
    case starelid, staattnum, stainherit, stanullfrac, stawidth, stadistinct, stakind1, stakind2, stakind3, stakind4,
      stakind5, staop1, staop2, staop3, staop4, staop5, stacoll1, stacoll2, stacoll3, stacoll4, stacoll5,
      stanumbers1, stanumbers2, stanumbers3, stanumbers4, stanumbers5, stavalues1, stavalues2, stavalues3,
      stavalues4, stavalues5
  }

  /// `pg_tablespace`.
  public enum Tablespace: Int, CatalogColumn {
    public static let catalog: UInt32 = 1213
    case oid, spcname, spcowner, spcacl, spcoptions
  }

  /// `pg_shdescription`.
  public enum SharedDescription: Int, CatalogColumn {
    public static let catalog: UInt32 = 2396
    case objoid, classoid, description
  }
}
