#include "walk.h"

typedef struct ConstructName {
    NodeTag tag;
    const char *name;
} ConstructName;

// What the grammar of PostgreSQL 15 can make and millrace_nodes.h does not list.
static const ConstructName names[] = {
    {T_AlterCollationStmt, "ALTER COLLATION"},
    {T_AlterDatabaseRefreshCollStmt, "ALTER DATABASE ... REFRESH COLLATION VERSION"},
    {T_AlterDefaultPrivilegesStmt, "ALTER DEFAULT PRIVILEGES"},
    {T_AlterDomainStmt, "ALTER DOMAIN"},
    {T_AlterEnumStmt, "ALTER TYPE"},
    {T_AlterEventTrigStmt, "ALTER EVENT TRIGGER"},
    {T_AlterExtensionContentsStmt, "ALTER EXTENSION"},
    {T_AlterExtensionStmt, "ALTER EXTENSION"},
    {T_AlterFdwStmt, "ALTER FOREIGN DATA WRAPPER"},
    {T_AlterForeignServerStmt, "ALTER SERVER"},
    {T_AlterFunctionStmt, "ALTER FUNCTION"},
    {T_AlterObjectDependsStmt, "ALTER ... DEPENDS ON EXTENSION"},
    {T_AlterOpFamilyStmt, "ALTER OPERATOR FAMILY"},
    {T_AlterOperatorStmt, "ALTER OPERATOR"},
    {T_AlterPolicyStmt, "ALTER POLICY"},
    {T_AlterPublicationStmt, "ALTER PUBLICATION"},
    {T_AlterStatsStmt, "ALTER STATISTICS"},
    {T_AlterSubscriptionStmt, "ALTER SUBSCRIPTION"},
    {T_AlterTSConfigurationStmt, "ALTER TEXT SEARCH CONFIGURATION"},
    {T_AlterTSDictionaryStmt, "ALTER TEXT SEARCH DICTIONARY"},
    {T_AlterTableMoveAllStmt, "ALTER ... ALL IN TABLESPACE"},
    {T_AlterTableSpaceOptionsStmt, "ALTER TABLESPACE"},
    {T_AlterTypeStmt, "ALTER TYPE"},
    {T_AlterUserMappingStmt, "ALTER USER MAPPING"},
    {T_CTECycleClause, "CYCLE"},
    {T_CTESearchClause, "SEARCH"},
    {T_CallStmt, "CALL"},
    {T_ClusterStmt, "CLUSTER"},
    {T_CompositeTypeStmt, "CREATE TYPE"},
    {T_CreateAmStmt, "CREATE ACCESS METHOD"},
    {T_CreateCastStmt, "CREATE CAST"},
    {T_CreateConversionStmt, "CREATE CONVERSION"},
    {T_CreateDomainStmt, "CREATE DOMAIN"},
    {T_CreateEnumStmt, "CREATE TYPE"},
    {T_CreateEventTrigStmt, "CREATE EVENT TRIGGER"},
    {T_CreateExtensionStmt, "CREATE EXTENSION"},
    {T_CreateFdwStmt, "CREATE FOREIGN DATA WRAPPER"},
    {T_CreateForeignServerStmt, "CREATE SERVER"},
    {T_CreateForeignTableStmt, "CREATE FOREIGN TABLE"},
    {T_CreateFunctionStmt, "CREATE FUNCTION"},
    {T_CreateOpClassStmt, "CREATE OPERATOR CLASS"},
    {T_CreateOpFamilyStmt, "CREATE OPERATOR FAMILY"},
    {T_CreatePLangStmt, "CREATE LANGUAGE"},
    {T_CreatePolicyStmt, "CREATE POLICY"},
    {T_CreatePublicationStmt, "CREATE PUBLICATION"},
    {T_CreateRangeStmt, "CREATE TYPE"},
    {T_CreateStatsStmt, "CREATE STATISTICS"},
    {T_CreateSubscriptionStmt, "CREATE SUBSCRIPTION"},
    {T_CreateTableSpaceStmt, "CREATE TABLESPACE"},
    {T_CreateTransformStmt, "CREATE TRANSFORM"},
    {T_CreateTrigStmt, "CREATE TRIGGER"},
    {T_CreateUserMappingStmt, "CREATE USER MAPPING"},
    {T_DoStmt, "DO"},
    {T_DropOwnedStmt, "DROP OWNED"},
    {T_DropSubscriptionStmt, "DROP SUBSCRIPTION"},
    {T_DropTableSpaceStmt, "DROP TABLESPACE"},
    {T_DropUserMappingStmt, "DROP USER MAPPING"},
    {T_ImportForeignSchemaStmt, "IMPORT FOREIGN SCHEMA"},
    {T_ListenStmt, "LISTEN"},
    {T_LoadStmt, "LOAD"},
    {T_MergeStmt, "MERGE"},
    {T_NotifyStmt, "NOTIFY"},
    {T_PartitionBoundSpec, "PARTITION OF"},
    {T_PartitionCmd, "ATTACH or DETACH PARTITION"},
    {T_PartitionSpec, "PARTITION BY"},
    {T_RangeTableFunc, "XMLTABLE"},
    {T_ReassignOwnedStmt, "REASSIGN OWNED"},
    {T_RefreshMatViewStmt, "REFRESH MATERIALIZED VIEW"},
    {T_ReplicaIdentityStmt, "REPLICA IDENTITY"},
    {T_RuleStmt, "CREATE RULE"},
    {T_SecLabelStmt, "SECURITY LABEL"},
    {T_XmlExpr, "an XML expression"},
    {T_XmlSerialize, "XMLSERIALIZE"},
};

static const char *definition_name(const DefineStmt *definition) {
    switch (definition->kind) {
    case OBJECT_AGGREGATE: return "CREATE AGGREGATE";
    case OBJECT_OPERATOR: return "CREATE OPERATOR";
    case OBJECT_TYPE: return "CREATE TYPE";
    case OBJECT_COLLATION: return "CREATE COLLATION";
    default: return "CREATE TEXT SEARCH";
    }
}

const char *millrace_construct_name(const Node *node) {
    if (IsA(node, DefineStmt)) return definition_name((const DefineStmt *)node);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].tag == nodeTag(node)) return names[i].name;
    }
    return "this construct";
}
