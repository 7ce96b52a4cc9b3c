#include "CPostgresParser.h"
#include "postgres_headers.h"

#include "common/keywords.h"

int32_t millrace_keyword_category(const char *word) {
    int number = ScanKeywordLookup(word, &ScanKeywords);
    return number < 0 ? -1 : ScanKeywordCategories[number];
}
