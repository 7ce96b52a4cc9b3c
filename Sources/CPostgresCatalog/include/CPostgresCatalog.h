// The rows that PostgreSQL 18's catalogs have in a new cluster, as text: facts of its format, taken from a cluster by
// scripts/generate-catalog.py, which also says how the text is to be read.

#ifndef CPOSTGRESCATALOG_H
#define CPOSTGRESCATALOG_H

struct postgres_catalog_table {
  const char *_Nonnull name;
  const unsigned char *_Nonnull text;
  unsigned long length;
};

extern const struct postgres_catalog_table postgres_catalog_tables[];
extern const int postgres_catalog_table_count;

// One of them, for Swift, which does not see arrays without a length.
static inline struct postgres_catalog_table millrace_catalog_table(int index) {
  return postgres_catalog_tables[index];
}

#endif
