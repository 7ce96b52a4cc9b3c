// PostgreSQL's data page checksum, and the test for a page that was never written.
//
// The checksum is part of PostgreSQL's on-disk format (src/include/storage/checksum_impl.h): 32 interleaved FNV-1a
// style hashes over the page as 64 rows of 32 words, folded by exclusive or, mixed with the block number, and reduced
// to 1...65535. The page's own checksum field counts as zero.
//
// No function here writes to the page, so a page that other threads share, or that is mapped read-only, can be checked
// in place. A page needs no alignment. Every function may be called on any thread at any time and costs one pass over
// the page: no allocation, no lock, no state.
#ifndef MILLRACE_CHECKSUM_H
#define MILLRACE_CHECKSUM_H

#include <stdbool.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// PostgreSQL's name for the size of a page in bytes. Other sizes are a compile-time choice there that is rarely made.
#define MILLRACE_BLCKSZ 8192

// The checksum that belongs into pd_checksum of the page when it stands at block_number of its fork.
uint16_t millrace_checksum_page(const void *page, uint32_t block_number);

// The same of two pages, in little more time than of one: each step of a page's hash waits for the one before it, and
// two pages wait together.
void millrace_checksum_pages(const void *first, uint32_t first_block, const void *second, uint32_t second_block,
                             uint16_t checksums[_Nonnull 2]);

// The hash of the page before the block number is mixed in. It lets a caller try many block numbers on one page at the
// price of one pass: see millrace_checksum_reduce.
uint32_t millrace_checksum_hash(const void *page);

// Mixes a block number into a page's hash: millrace_checksum_page is this after millrace_checksum_hash.
static inline uint16_t millrace_checksum_reduce(uint32_t hash, uint32_t block_number) {
  return (uint16_t)((hash ^ block_number) % 65535 + 1);
}

// Whether all of the page's bytes are zero. A page with data is usually told apart within its first 64 bytes.
bool millrace_page_is_zero(const void *page);

// The implementations between which millrace_checksum_hash chooses by what the processor can do. For tests.
uint32_t millrace_checksum_hash_portable(const void *page);
bool millrace_checksum_has_avx2(void);
// Only where millrace_checksum_has_avx2() is true.
uint32_t millrace_checksum_hash_avx2(const void *page);

#pragma clang assume_nonnull end

#endif
