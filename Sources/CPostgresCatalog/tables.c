// Written by scripts/generate-catalog.py.

#include "CPostgresCatalog.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char pg_aggregate[] = {
#embed "data/pg_aggregate.txt"
};

static const unsigned char pg_am[] = {
#embed "data/pg_am.txt"
};

static const unsigned char pg_amop[] = {
#embed "data/pg_amop.txt"
};

static const unsigned char pg_amproc[] = {
#embed "data/pg_amproc.txt"
};

static const unsigned char pg_attribute[] = {
#embed "data/pg_attribute.txt"
};

static const unsigned char pg_auth_members[] = {
#embed "data/pg_auth_members.txt"
};

static const unsigned char pg_authid[] = {
#embed "data/pg_authid.txt"
};

static const unsigned char pg_cast[] = {
#embed "data/pg_cast.txt"
};

static const unsigned char pg_class[] = {
#embed "data/pg_class.txt"
};

static const unsigned char pg_collation[] = {
#embed "data/pg_collation.txt"
};

static const unsigned char pg_constraint[] = {
#embed "data/pg_constraint.txt"
};

static const unsigned char pg_conversion[] = {
#embed "data/pg_conversion.txt"
};

static const unsigned char pg_database[] = {
#embed "data/pg_database.txt"
};

static const unsigned char pg_index[] = {
#embed "data/pg_index.txt"
};

static const unsigned char pg_language[] = {
#embed "data/pg_language.txt"
};

static const unsigned char pg_namespace[] = {
#embed "data/pg_namespace.txt"
};

static const unsigned char pg_opclass[] = {
#embed "data/pg_opclass.txt"
};

static const unsigned char pg_operator[] = {
#embed "data/pg_operator.txt"
};

static const unsigned char pg_opfamily[] = {
#embed "data/pg_opfamily.txt"
};

static const unsigned char pg_proc[] = {
#embed "data/pg_proc.1.txt"
,
#embed "data/pg_proc.2.txt"
};

static const unsigned char pg_range[] = {
#embed "data/pg_range.txt"
};

static const unsigned char pg_tablespace[] = {
#embed "data/pg_tablespace.txt"
};

static const unsigned char pg_ts_config[] = {
#embed "data/pg_ts_config.txt"
};

static const unsigned char pg_ts_config_map[] = {
#embed "data/pg_ts_config_map.txt"
};

static const unsigned char pg_ts_dict[] = {
#embed "data/pg_ts_dict.txt"
};

static const unsigned char pg_ts_parser[] = {
#embed "data/pg_ts_parser.txt"
};

static const unsigned char pg_ts_template[] = {
#embed "data/pg_ts_template.txt"
};

static const unsigned char pg_type[] = {
#embed "data/pg_type.txt"
};

const struct postgres_catalog_table postgres_catalog_tables[] = {
  {"pg_aggregate", pg_aggregate, sizeof pg_aggregate},
  {"pg_am", pg_am, sizeof pg_am},
  {"pg_amop", pg_amop, sizeof pg_amop},
  {"pg_amproc", pg_amproc, sizeof pg_amproc},
  {"pg_attribute", pg_attribute, sizeof pg_attribute},
  {"pg_auth_members", pg_auth_members, sizeof pg_auth_members},
  {"pg_authid", pg_authid, sizeof pg_authid},
  {"pg_cast", pg_cast, sizeof pg_cast},
  {"pg_class", pg_class, sizeof pg_class},
  {"pg_collation", pg_collation, sizeof pg_collation},
  {"pg_constraint", pg_constraint, sizeof pg_constraint},
  {"pg_conversion", pg_conversion, sizeof pg_conversion},
  {"pg_database", pg_database, sizeof pg_database},
  {"pg_index", pg_index, sizeof pg_index},
  {"pg_language", pg_language, sizeof pg_language},
  {"pg_namespace", pg_namespace, sizeof pg_namespace},
  {"pg_opclass", pg_opclass, sizeof pg_opclass},
  {"pg_operator", pg_operator, sizeof pg_operator},
  {"pg_opfamily", pg_opfamily, sizeof pg_opfamily},
  {"pg_proc", pg_proc, sizeof pg_proc},
  {"pg_range", pg_range, sizeof pg_range},
  {"pg_tablespace", pg_tablespace, sizeof pg_tablespace},
  {"pg_ts_config", pg_ts_config, sizeof pg_ts_config},
  {"pg_ts_config_map", pg_ts_config_map, sizeof pg_ts_config_map},
  {"pg_ts_dict", pg_ts_dict, sizeof pg_ts_dict},
  {"pg_ts_parser", pg_ts_parser, sizeof pg_ts_parser},
  {"pg_ts_template", pg_ts_template, sizeof pg_ts_template},
  {"pg_type", pg_type, sizeof pg_type},
};

const int postgres_catalog_table_count =
  sizeof postgres_catalog_tables / sizeof postgres_catalog_tables[0];
